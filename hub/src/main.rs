//! `hub run | check | device | …`

mod command_line;

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::Parser as _;
use command_line::{
    BasemapCommand, BrokerCommand, CategoryCommand, Cli, Command, DeviceCommand, EvaluateCommand,
    GazetteerCommand, GrantArgs, GridCommand, KeyCommand, KnowledgeCommand, Open311Command, OutboundCommand,
    PlatformCommand, PlatformKeyCommand, PolicyCommand, SheetCommand, UserCommand,
};
use hub::app::App;
use hub::case::seal;
use hub::config::Config;
use hub::device::Device;
use hub::evaluation::By;
use hub::organisation::cli::Sheet;
use hub::policy::cli::Question;
use hub::ticket::knowledge;
use hub::user;
use hub::{
    admin, backup, basemap, category, device, evaluation, gazetteer, grid, open311, organisation, outbound,
    platform, policy, run,
};
use protocol::{Chance, Clock, DeviceId, SystemClock};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("nothing installed one before");
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("SHAODIAN_LOG")
                .unwrap_or_else(|_| "info,rmqtt=warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.context("starting threads").and_then(|runtime| runtime.block_on(act(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("hub: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn act(cli: Cli) -> anyhow::Result<()> {
    let mut config = Config::load(cli.config.as_deref())?;
    if let Some(data) = cli.data {
        config.hub.data_dir = data;
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let chance = Arc::new(Chance::from_os());
    match cli.command {
        Command::Run { first_password_file } => {
            run::run(config, clock, chance, stop_on_signal()?, first_password_file.as_deref()).await
        }
        Command::Check => {
            outbound::Channel::open_all(&config.outbound).map_err(anyhow::Error::msg)?;
            println!(
                "configuration is good: tenant {}, data in {}",
                config.hub.tenant,
                config.hub.data_dir.display()
            );
            Ok(())
        }
        Command::User(command) => {
            let app = App::open(config, clock, chance).await?.0;
            user_command(command, &app).await
        }
        Command::Area(command) => sheet_command(command, Sheet::Areas, config, clock, chance).await,
        Command::Unit(command) => sheet_command(command, Sheet::Units, config, clock, chance).await,
        Command::Grid(command) => grid_command(command, &App::open(config, clock, chance).await?.0).await,
        Command::Open311(Open311Command::Key(command)) => {
            key_command(command, &App::open(config, clock, chance).await?.0).await
        }
        Command::Platform(PlatformCommand::Key(command)) => {
            let app = App::open(config, clock, chance).await?.0;
            match command {
                PlatformKeyCommand::Add { name } => platform::cli::add(&app, &name).await,
                PlatformKeyCommand::List => platform::cli::list(&app).await,
                PlatformKeyCommand::Revoke { name } => platform::cli::revoke(&app, &name).await,
            }
        }
        Command::Basemap(command) => {
            let app = App::open(config, clock, chance).await?.0;
            match command {
                BasemapCommand::Import { file, dry_run } => basemap::cli::import(&app, &file, dry_run).await,
                BasemapCommand::List => basemap::cli::list(&app).await,
                BasemapCommand::Remove { hash } => basemap::cli::remove(&app, &hash).await,
            }
        }
        Command::Category(command) => {
            let app = App::open(config, clock, chance).await?.0;
            match command {
                CategoryCommand::Import { file, dry_run, replace } => {
                    category::cli::import_file(&app, &file, category::Mode { dry_run, replace }).await
                }
                CategoryCommand::List => category::cli::list(&app).await,
            }
        }
        Command::Gazetteer(command) => {
            gazetteer_command(command, &App::open(config, clock, chance).await?.0).await
        }
        Command::Duty(command) => sheet_command(command, Sheet::Duties, config, clock, chance).await,
        Command::VerifyHistory { key } => {
            verify_history(&App::open(config, clock, chance).await?.0, key).await
        }
        Command::Backup { file, without_evidence, passphrase_file } => {
            let with = (&*chance, clock.now());
            backup::cli::backup(&config, with, &file, without_evidence, passphrase_file.as_deref()).await
        }
        Command::Restore { file, into, passphrase_file } => {
            let (into, passphrase_file) = (into.as_deref(), passphrase_file.as_deref());
            backup::cli::bring_back(&config, clock.now(), &file, into, passphrase_file).await
        }
        Command::Move { to } => backup::cli::carry(&config, clock.now(), &to).await,
        Command::Evaluate(command) => {
            evaluate_command(command, &App::open(config, clock, chance).await?.0).await
        }
        Command::Policy(command) => policy_command(command, &App::open(config, clock, chance).await?.0).await,
        Command::Outbound(command) => {
            outbound_command(command, &App::open(config, clock, chance).await?.0).await
        }
        Command::Broker(BrokerCommand::MosquittoConfig { folder, port }) => {
            let port = port.unwrap_or(config.broker.port);
            let app = App::open(config, clock, chance).await?.0;
            println!("{}", hub::broker::mosquitto::write(&app, &folder, port).await?.display());
            Ok(())
        }
        Command::Knowledge(command) => {
            let app = App::open(config, clock, chance).await?.0;
            match command {
                KnowledgeCommand::Import { file, dry_run, replace, skip_bad } => {
                    let mode = knowledge::Mode { dry_run, replace, skip_bad };
                    knowledge::cli::import_file(&app, &file, mode).await
                }
                KnowledgeCommand::List => knowledge::cli::list(&app).await,
            }
        }
        Command::Device(command) => device_command(command, &App::open(config, clock, chance).await?.0).await,
    }
}

async fn user_command(command: UserCommand, app: &App) -> anyhow::Result<()> {
    let cli = admin::By::cli(app.clock.now());
    let read = async |grant: GrantArgs| {
        user::cli::read_grant(app, grant.role, grant.area.as_deref(), grant.unit).await
    };
    match command {
        UserCommand::Add { name, grant } => {
            println!("{}", user::cli::add(app, &name, &read(grant).await?).await?);
        }
        UserCommand::Password { name } => println!("{}", user::cli::new_password(app, &name).await?),
        UserCommand::Grant { name, grant } => {
            user::people::grant(app, &cli, &name, &read(grant).await?).await?;
        }
        UserCommand::Revoke { name, grant } => {
            user::people::revoke(app, &cli, &name, &read(grant).await?).await?;
        }
        UserCommand::Reach { name, mail, phone, clear } => {
            let change = outbound::cli::Change { mail, phone, clear };
            println!("{}", outbound::cli::reach(app, &name, &change).await?);
        }
        UserCommand::Import { file, dry_run, replace, passwords } => {
            let mode = user::import::Mode { dry_run, replace };
            user::cli::import_file(app, &file, mode, passwords.as_deref()).await?;
        }
        UserCommand::Lock { name } => {
            user::people::lock(app, &cli, &name, true).await?;
        }
        UserCommand::Unlock { name } => {
            user::people::lock(app, &cli, &name, false).await?;
        }
        UserCommand::Remove { name } => {
            user::people::remove(app, &cli, &name).await?;
        }
        UserCommand::List => user::cli::list(app).await?,
    }
    Ok(())
}

async fn outbound_command(command: OutboundCommand, app: &App) -> anyhow::Result<()> {
    match command {
        OutboundCommand::List => outbound::cli::list(app).await?,
        OutboundCommand::Test { name, to } => {
            println!("{}", outbound::cli::test(app, &name, to.as_deref()).await?);
        }
        OutboundCommand::Failed => outbound::cli::failed(app).await?,
        OutboundCommand::Retry { id, .. } => {
            println!("{} to be tried again", outbound::cli::retry(app, id.as_deref()).await?);
        }
    }
    Ok(())
}

async fn sheet_command(
    command: SheetCommand,
    sheet: Sheet,
    config: Config,
    clock: Arc<dyn Clock>,
    chance: Arc<Chance>,
) -> anyhow::Result<()> {
    let app = App::open(config, clock, chance).await?.0;
    match command {
        SheetCommand::Import { file, dry_run } => {
            organisation::cli::import_file(&app, sheet, &file, dry_run).await
        }
        SheetCommand::List => organisation::cli::list(&app, sheet).await,
    }
}

async fn key_command(command: KeyCommand, app: &App) -> anyhow::Result<()> {
    match command {
        KeyCommand::Add { name, area, platform } => {
            println!("{}", open311::key::add(app, &name, area.as_deref(), platform).await?);
            Ok(())
        }
        KeyCommand::List => open311::key::list(app).await,
        KeyCommand::Revoke { name } => open311::key::revoke(app, &name).await,
    }
}

async fn grid_command(command: GridCommand, app: &App) -> anyhow::Result<()> {
    match command {
        GridCommand::Import { file, gcj02, note, dry_run } => {
            grid::cli::import(app, &file, gcj02, &note, dry_run).await
        }
        GridCommand::List => grid::cli::list(app).await,
        GridCommand::At { latitude, longitude, gcj02 } => {
            grid::cli::at(app, latitude, longitude, gcj02).await
        }
    }
}

async fn gazetteer_command(command: GazetteerCommand, app: &App) -> anyhow::Result<()> {
    match command {
        GazetteerCommand::Import { file, gcj02, add, note, dry_run } => {
            let datum = if gcj02 { gazetteer::Datum::Gcj02 } else { gazetteer::Datum::Wgs84 };
            let mode = gazetteer::Mode { datum, dry_run, add };
            gazetteer::cli::import(app, &file, mode, &note).await
        }
        GazetteerCommand::List => gazetteer::cli::list(app).await,
        GazetteerCommand::Find { text } => gazetteer::cli::find(app, &text).await,
    }
}

async fn verify_history(app: &App, mut trusted: Vec<String>) -> anyhow::Result<()> {
    trusted.push(app.sealer.name());
    let found = seal::check(&app.db, app.tenant().as_str(), &trusted, app.sealer.last()).await?;
    let sealed = found.sealed_at.map_or("never".to_owned(), |at| app.local_time(at));
    println!(
        "{} cases, {} rows, {} signed roots, the last one of {sealed}",
        found.cases, found.rows, found.roots
    );
    for (signer, count) in &found.signers {
        println!("{count} signed by {signer}");
    }
    for line in &found.wrong {
        println!("{line}");
    }
    anyhow::ensure!(found.wrong.is_empty(), "the history is not whole: {} findings", found.wrong.len());
    println!("the history is whole");
    Ok(())
}

async fn policy_command(command: PolicyCommand, app: &App) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Show { version } => policy::cli::show(app, version).await,
        PolicyCommand::List => policy::cli::list(app).await,
        PolicyCommand::Import { file, note, dry_run } => {
            policy::cli::import(app, &file, &note, dry_run).await
        }
        PolicyCommand::Due { source, severity, category, matter, rural, from } => {
            let question = Question { source, severity, category, matter, rural, from };
            policy::cli::due(app, &question).await
        }
    }
}

async fn evaluate_command(command: EvaluateCommand, app: &App) -> anyhow::Result<()> {
    match command {
        EvaluateCommand::Show { by, level, period, area } => {
            let by = By::read(&by, &level).map_err(anyhow::Error::msg)?;
            evaluation::cli::show(app, by, period, &area).await
        }
        EvaluateCommand::Rebuild { period } => evaluation::cli::rebuild(app, &period).await,
    }
}

async fn device_command(command: DeviceCommand, app: &App) -> anyhow::Result<()> {
    let tenant = app.tenant();
    match command {
        DeviceCommand::Add { name, title, area } => {
            let title = title.unwrap_or_else(|| name.to_string());
            let code = device::enrol::add(app, tenant, &name, &title).await?;
            if let Some(area) = area {
                device::enrol::place(app, &name, &area).await?;
            }
            println!("{code}");
        }
        DeviceCommand::Place { name, area } => device::enrol::place(app, &name, &area).await?,
        DeviceCommand::List => {
            for device in device::store::list(&app.db, tenant.as_str(), "").await? {
                let link = device.link.as_deref().unwrap_or("never seen");
                let Device { device_id, state, title, .. } = &device;
                if writeln!(std::io::stdout(), "{device_id}\t{state}\t{link}\t{title}").is_err() {
                    // Whoever reads has seen enough.
                    break;
                }
            }
        }
        DeviceCommand::Disable { name } => set_disabled(app, &name, true).await?,
        DeviceCommand::Enable { name } => set_disabled(app, &name, false).await?,
    }
    Ok(())
}

async fn set_disabled(app: &App, name: &DeviceId, disabled: bool) -> anyhow::Result<()> {
    device::store::set_disabled(&app.db, app.tenant().as_str(), name.as_str(), disabled, app.clock.now())
        .await?;
    Ok(())
}

/// Cancelled by SIGTERM or SIGINT.
fn stop_on_signal() -> anyhow::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let (mut term, mut int) = (
        signal(SignalKind::terminate()).context("signals")?,
        signal(SignalKind::interrupt()).context("signals")?,
    );
    let told = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        told.cancel();
    });
    Ok(stop)
}
