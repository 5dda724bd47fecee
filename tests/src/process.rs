//! One real program of the world: its own process group, its log on disk, gone when dropped.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{
    Pid, Signal, getppid, kill_process, kill_process_group, set_parent_process_death_signal,
};

use crate::wait::until;

pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    /// Where in the log this run begins; restarts append.
    log_from: u64,
}

impl Process {
    /// Starts `command` with its output appended to `{folder}/{name}.log`. A test run that is interrupted drops
    /// nothing; the kernel then ends the program.
    pub fn spawn(name: &str, command: Command, folder: &Path) -> Result<Self> {
        let program = Path::new(command.get_program());
        ensure!(is_installed(program), "there is no program {}", program.display());
        let mut command = prefixed(&["setpriv", "--pdeathsig=TERM", "--"], &command);
        let log = folder.join(format!("{name}.log"));
        let open = || -> Result<File> {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(&log)
                .with_context(|| format!("opening {}", log.display()))
        };
        let (out, err) = (open()?, open()?);
        let log_from = out.metadata().context("length of a log")?.len();
        command.stdin(Stdio::null()).stdout(out).stderr(err).process_group(0);
        let child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        Ok(Self { name: name.to_owned(), child, log, log_from })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything this run wrote.
    pub fn output(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap_or_default();
        let from = usize::try_from(self.log_from).unwrap_or(0).min(bytes.len());
        String::from_utf8_lossy(&bytes[from..]).into_owned()
    }

    /// Waits for a line that begins with `start`; fails at once when the program ends instead.
    pub async fn line(&mut self, start: &str, bound: Duration) -> Result<String> {
        let what = format!("{:?} from {}", start, self.name);
        let found = until(bound, &what, async || {
            if let Some(line) = self.output().lines().find(|l| l.starts_with(start)) {
                return Ok(Some(Ok(line.to_owned())));
            }
            // Not an error of the wait: no later look can help.
            Ok(self.ended().map(Err))
        })
        .await;
        match found {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(status)) => bail!("{} ended ({status}) before {start:?}:\n{}", self.name, self.tail()),
            Err(e) => Err(e.context(self.tail())),
        }
    }

    /// Its status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The power cut: SIGKILL to the whole group.
    pub fn kill(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    /// The orderly way: SIGTERM, and its status within `bound`.
    pub async fn stop(&mut self, bound: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM);
        let what = format!("{} to end on SIGTERM", self.name);
        until(bound, &what, async || Ok(self.ended())).await
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            // It may have ended by itself: nothing is left to signal then.
            let _ = kill_process_group(group, signal);
        }
    }

    /// The end of its log, for people.
    pub fn tail(&self) -> String {
        const LINES: usize = 40;
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        let last = &lines[lines.len().saturating_sub(LINES)..];
        format!("--- {} ({}), last lines ---\n{}", self.name, self.log.display(), last.join("\n"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.tail());
        }
        self.kill();
    }
}

/// Whether it can be found, by its whole path or in one of the usual folders.
fn is_installed(program: &Path) -> bool {
    std::env::split_paths(&path_with_sbin()).any(|folder| folder.join(program).is_file())
}

/// Debian keeps servers in `/usr/sbin`, which is not in everybody's `PATH`.
pub fn path_with_sbin() -> String {
    let path = std::env::var("PATH").unwrap_or_default();
    format!("{path}:/usr/local/sbin:/usr/sbin:/sbin")
}

/// The same program, started by another one that is given its words.
pub fn prefixed(words: &[&str], program: &Command) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(program.get_program()).args(program.get_args());
    if let Some(folder) = program.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
}

/// Longest that a program may take which does one thing and ends.
const RUN: Duration = Duration::from_secs(120);

/// A finished program's standard output; its words are the error when it fails.
pub fn run(mut command: Command) -> Result<String> {
    let output = finish_within(&mut command, RUN)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if !output.status.success() {
        bail!("{command:?} failed ({}):\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr));
    }
    Ok(text(&output.stdout))
}

/// Runs a program to its end. One that is not done after `bound` is killed and is an error.
pub fn finish_within(command: &mut Command, bound: Duration) -> Result<Output> {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {command:?}"))?;
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).context("a program has a number")?;
    let (told, tell) = mpsc::channel();
    // This thread reaps the child. Should that be in the very moment of the signal below, its number is not given
    // out again so soon.
    std::thread::spawn(move || told.send(child.wait_with_output()));
    match tell.recv_timeout(bound) {
        Ok(output) => output.with_context(|| format!("waiting for {command:?}")),
        Err(_) => {
            let _ = kill_process(pid, Signal::KILL);
            bail!("{command:?} did not end within {} s and was killed", bound.as_secs())
        }
    }
}

/// Asks the kernel to end this program when the one that started it ends, however that happens.
pub fn end_with_parent() -> Result<()> {
    let parent = getppid();
    set_parent_process_death_signal(Some(Signal::TERM)).context("asking to end with the parent")?;
    // It may have ended in between; then no signal comes any more.
    ensure!(getppid() == parent, "the program that started this one is gone");
    Ok(())
}

/// One of the product's programs, built beside this test.
pub fn product(name: &str) -> Result<PathBuf> {
    let me = std::env::current_exe().context("where this test lies")?;
    let found = me.ancestors().skip(1).take(3).map(|dir| dir.join(name)).find(|path| path.is_file());
    found.with_context(|| {
        format!("no program {name:?} near {}: run `cargo build --release --workspace` first", me.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    /// A ready line is found, a program that dies first is told with its words, and nothing outlives its handle.
    #[tokio::test]
    async fn a_program_is_watched_and_ended() {
        let folder = tempfile::tempdir().unwrap();
        let bound = Duration::from_secs(5);
        let mut good = Process::spawn("good", shell("echo ready 7; sleep 60 & wait"), folder.path()).unwrap();
        assert_eq!(good.line("ready", bound).await.unwrap(), "ready 7");
        let pid = good.pid();
        drop(good);
        assert!(!Path::new(&format!("/proc/{pid}")).exists());

        let mut bad = Process::spawn("bad", shell("echo no such thing >&2; exit 3"), folder.path()).unwrap();
        let error = format!("{:#}", bad.line("ready", bound).await.unwrap_err());
        assert!(error.contains("no such thing") && error.contains("exit status: 3"), "{error}");

        let nothing = Process::spawn("none", Command::new("no-such-program"), folder.path());
        let error = nothing.err().expect("nobody has such a program").to_string();
        assert!(error.contains("no-such-program"), "{error}");
    }

    /// Nothing outlives a test program that is killed: here a thread starts a program and ends without a word.
    #[tokio::test]
    async fn a_killed_test_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (logs, bound) = (folder.path().to_owned(), Duration::from_secs(10));
        let start = move || {
            let mut left = Process::spawn("left", shell("echo ready; exec sleep 60"), &logs).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(left.line("ready", bound)).unwrap();
            left
        };
        // Kept here, so that nothing but the end of the thread ends it.
        let left = std::thread::spawn(start).join().unwrap();
        let state = format!("/proc/{}/stat", left.pid());
        let ended = async || Ok(std::fs::read_to_string(&state)?.contains(") Z ").then_some(()));
        until(bound, "the program to end", ended).await.unwrap();
    }

    /// A program that hangs is ended and told; one that ends is not disturbed.
    #[test]
    fn no_program_is_waited_for_for_ever() {
        let error = finish_within(&mut shell("exec sleep 600"), Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error:#}");
        let done = finish_within(&mut shell("echo done; exit 4"), Duration::from_secs(60)).unwrap();
        assert_eq!((done.stdout.as_slice(), done.status.code()), (&b"done\n"[..], Some(4)));
    }
}
