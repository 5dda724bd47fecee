//! Configurations that came from the hub: kept in the data folder, in force over the installer's file until
//! `configuration.json` is removed. Where data lies, and how the hub is reached, stay the installer's.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Config, Installed, Problem, Reading, Watched};

#[derive(Serialize, Deserialize)]
struct Pointer {
    version: u64,
    file: PathBuf,
}

fn pointer_path(data_dir: &Path) -> PathBuf {
    data_dir.join("configuration.json")
}

/// Reads what the hub sends. Sections that are the installer's may only repeat what he wrote: nothing is ignored
/// in silence.
pub fn from_hub(version: u64, toml: &str, installed: &Config) -> Result<Config, Vec<Problem>> {
    let name = format!("configuration {version}");
    let config = Config::parse_as(&name, toml, std::env::vars(), &reading(installed, false))?;
    let problems: Vec<_> = [
        ("agent", config.agent != installed.agent),
        ("hub", config.hub != installed.hub),
        ("health", config.health != installed.health),
        ("recording", config.recording != installed.recording),
        ("outbox", config.outbox_but_for_recording() != installed.outbox_but_for_recording()),
    ]
    .into_iter()
    .filter(|(_, differs)| *differs)
    .filter_map(|(section, _)| {
        let header = |line: &str| line.trim_start_matches(['[', ' ', '\t']).starts_with(section);
        let line = toml.lines().position(header)? + 1;
        let what = format!("[{section}] is set on the box itself: leave it out, or send it as it is there");
        Some(Problem { place: format!("{name}:{line}:1"), what })
    })
    .collect();
    if problems.is_empty() { Ok(over(installed, version, config)) } else { Err(problems) }
}

/// The text of what is in force, with its secrets. `present`: as it runs.
pub(crate) fn text_in_force(installed: &Installed, present: &Config) -> Result<String> {
    if present.version > 0 {
        let path = present.agent.data_dir.join(format!("configuration-{}.toml", present.version));
        return fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()));
    }
    let text = installed.text().context("reading the installer's file")?;
    let reading = reading(&installed.current(), true);
    let written = Config::parse_as("the installer's file", &text, std::env::vars(), &reading);
    let same = written.is_ok_and(|written| {
        written.cameras == present.cameras
            && written.calls == present.calls
            && written.detector == present.detector
            && written.calendar == present.calendar
    });
    ensure!(
        same,
        "the installer's file was changed and is not in force: have it read anew (SIGHUP), or start the box again"
    );
    Ok(text)
}

/// Models are looked for where the installer put them.
fn reading(installed: &Config, lenient: bool) -> Reading {
    let (models, configured) = (installed.models.clone(), installed.agent.models.clone());
    Reading { models, configured, lenient }
}

/// The hub says what is watched and heard, the installer the rest: also which library is loaded into this program,
/// and what of a camera's picture must never leave the box.
fn over(installed: &Config, version: u64, mut hub: Config) -> Config {
    hub.detector.ort_library.clone_from(&installed.detector.ort_library);
    for Watched { camera, .. } in &mut hub.cameras {
        let same = |other: &&Watched| other.camera.id == camera.id || other.camera.shares_an_address(camera);
        let others: Vec<_> = installed.cameras.iter().filter(same).collect();
        for Watched { camera: other, .. } in others {
            camera.blur_people |= other.blur_people;
            for mask in &other.masks {
                if !camera.masks.contains(mask) {
                    camera.masks.push(mask.clone());
                }
            }
        }
        if camera.blur_people {
            // Between two looks nobody is seen: what the checks ask of a text that says it itself.
            camera.analysis_fps = camera.analysis_fps.max(1.0);
        }
    }
    let Config { detector, calendar, cameras, calls, .. } = hub;
    Config { version, detector, calendar, cameras, calls, ..installed.clone() }
}

/// Writes the text and, after it, which one is in force. Former ones go: the hub has them all.
pub fn keep(data_dir: &Path, version: u64, toml: &str) -> Result<()> {
    let file = PathBuf::from(format!("configuration-{version}.toml"));
    write(&data_dir.join(&file), toml)?;
    let json = serde_json::to_string(&Pointer { version, file: file.clone() })?;
    write(&pointer_path(data_dir), &json)?;
    for entry in fs::read_dir(data_dir).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("configuration-") && name.ends_with(".toml") && *name != *file.to_string_lossy() {
            // One that stays behind is in nobody's way.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// All or nothing, also over a power cut. For its owner's eyes only: cameras have passwords.
fn write(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let options = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).clone();
    let mut file = options.open(&fresh).with_context(|| format!("writing {}", fresh.display()))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path).with_context(|| format!("writing {}", path.display()))?;
    // The new name is safe only when its folder is.
    let folder = path.parent().context("a file in the data folder has a folder")?;
    fs::File::open(folder)?.sync_all().with_context(|| format!("writing {}", folder.display()))
}

/// The hub's configuration where there is one, otherwise the installer's. One that can no longer be read is
/// left aside: the box runs.
pub fn in_force(data_dir: &Path, installed: Config) -> Config {
    match stored(data_dir, &installed) {
        Ok(Some((version, config))) => over(&installed, version, config),
        Ok(None) => installed,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "the hub's configuration is left aside");
            installed
        }
    }
}

/// It was found good when it came.
fn stored(data_dir: &Path, installed: &Config) -> Result<Option<(u64, Config)>> {
    let path = pointer_path(data_dir);
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let pointer: Pointer =
        serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    let file = data_dir.join(pointer.file);
    Ok(Some((pointer.version, Config::load_as(Some(&file), &reading(installed, true))?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kept version is in force at the next start, keeps the installer's data folder, and one that went bad
    /// does not stop the box.
    #[test]
    fn kept_versions_are_in_force() {
        let dir = tempfile::tempdir().unwrap();
        let installed = Config::parse("x", "[agent]\nname = \"local\"\n", []).unwrap();
        assert_eq!(in_force(dir.path(), installed.clone()), installed);
        keep(dir.path(), 7, "[[camera]]\nid = \"gate\"\nurl = \"test://\"\n").unwrap();
        let config = in_force(dir.path(), installed.clone());
        assert_eq!((config.version, config.cameras.len()), (7, 1));
        assert_eq!(config.agent, installed.agent);
        let about = fs::metadata(dir.path().join("configuration-7.toml")).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
        assert_eq!(mode & 0o777, 0o600, "for its owner's eyes only");
        keep(dir.path(), 8, "").unwrap();
        assert!(!dir.path().join("configuration-7.toml").exists(), "former ones go");
        keep(dir.path(), 7, "").unwrap();
        fs::write(dir.path().join("configuration-7.toml"), "camera = 3").unwrap();
        assert_eq!(in_force(dir.path(), installed.clone()), installed);
    }

    /// What the hub sends is held against the models that the installer put on the box: one that is nowhere is refused
    /// with the folders that were searched, and a rule that nothing there could see. One that goes away later takes no
    /// camera with it.
    #[test]
    fn the_boxs_own_models_are_asked() {
        let (dir, models) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let own = models.path().join("our-fire");
        fs::create_dir(&own).unwrap();
        fs::write(own.join("model.toml"), crate::config::tests::FIRE_MODEL).unwrap();
        let agent = format!("[agent]\nmodels = {:?}\n", models.path());
        let by_file = Config::parse("x", &agent, []).unwrap();
        let by_option = Config { models: Some(models.path().to_owned()), ..Config::default() };
        let toml = |model: &str, kind: &str| {
            format!(
                "[detector]\nmodels = [{model:?}]\n[[camera]]\nid = \"gate\"\nurl = \"test://\"\n\
                 [[camera.rules]]\nid = \"r\"\nkind = {kind:?}\n"
            )
        };
        for installed in [by_file, by_option] {
            let config = from_hub(3, &toml("our-fire", "smoke"), &installed).unwrap();
            assert_eq!(config.cameras[0].rules.len(), 1);
            let problems = from_hub(3, &toml("our-fire", "loitering"), &installed).unwrap_err();
            assert!(
                problems[0].what.contains("loitering needs a detector that names person"),
                "{problems:?}"
            );
            let problems = from_hub(3, &toml("our-smoke", "fire"), &installed).unwrap_err();
            let folder = models.path().display().to_string();
            let told = &problems[0].what;
            assert!(
                problems.len() == 1 && told.contains("\"our-smoke\"") && told.contains(&folder),
                "{told}"
            );

            keep(dir.path(), 3, &toml("our-fire", "smoke")).unwrap();
            let elsewhere =
                Config { models: None, agent: crate::config::AgentConfig::default(), ..installed };
            assert_eq!(in_force(dir.path(), elsewhere).version, 3, "its weights may come back");
        }
    }

    /// The hub may repeat the installer's sections but not change them, and is told where it tried.
    #[test]
    fn the_installers_sections_stay_his() {
        let installed = Config::parse("x", "[agent]\nname = \"local\"\n", []).unwrap();
        let camera = "[[camera]]\nid = \"gate\"\nurl = \"test://\"\n";
        let same = format!("[agent]\nname = \"local\"\n{camera}");
        let config = from_hub(3, &same, &installed).unwrap();
        assert_eq!((config.version, config.cameras.len()), (3, 1));
        let other = format!("{camera}\n[outbox]\nmax_rows = 7000\n");
        let problems = from_hub(4, &other, &installed).unwrap_err();
        assert_eq!(problems[0].place, "configuration 4:5:1");
        assert!(problems[0].what.starts_with("[outbox] is set on the box itself"), "{}", problems[0]);
    }

    /// A text without [recording] where the installer set it: what it says of the outbox is told of all the same.
    #[test]
    fn the_outbox_is_the_installers_beside_a_recording() {
        let installed = Config::parse("x", "[recording]\nmax_bytes = 1000000000\n", []).unwrap();
        let camera = "[[camera]]\nid = \"gate\"\nurl = \"test://\"\n";
        assert!(from_hub(1, camera, &installed).is_ok());
        let problems = from_hub(2, &format!("{camera}[outbox]\nmax_rows = 7000\n"), &installed).unwrap_err();
        assert_eq!(problems[0].place, "configuration 2:4:1");
    }

    /// No configuration of the hub uncovers whom the installer had blurred; and they are looked for often enough.
    #[test]
    fn blurring_stays_the_installers() {
        let camera = |id: &str, more: &str| format!("[[camera]]\nid = {id:?}\nurl = \"test://\"\n{more}\n");
        let installed = Config::parse("x", &camera("gate", "blur_people = true"), []).unwrap();
        for toml in
            [camera("gate", "analysis_fps = 0.5"), camera("roof", "blur_people = false\nanalysis_fps = 0.5")]
        {
            let hub = from_hub(1, &toml, &installed).unwrap();
            let camera = &hub.cameras[0].camera;
            assert_eq!((camera.blur_people, camera.analysis_fps), (true, 1.0), "{toml}");
        }
        let elsewhere =
            from_hub(1, "[[camera]]\nid = \"roof\"\nurl = \"test://smpte\"\n", &installed).unwrap();
        assert!(!elsewhere.cameras[0].camera.blur_people);
    }

    /// No configuration of the hub uncovers what the installer masked, under the same name or the same address, and
    /// none names a library to load.
    #[test]
    fn masks_and_libraries_stay_the_installers() {
        let camera = |id: &str, more: &str| format!("[[camera]]\nid = {id:?}\nurl = \"test://\"\n{more}\n");
        let mask = "[[camera.masks]]\npolygon = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]]";
        let text = format!("[detector]\nort_library = \"/opt/a.so\"\n{}", camera("gate", mask));
        let installed = Config::parse("x", &text, []).unwrap();
        let sub = "[[camera]]\nid = \"roof\"\nurl = \"test://smpte\"\nsub_url = \"test://\"\n".to_owned();
        for toml in [camera("gate", ""), camera("gate", mask), camera("roof", ""), sub] {
            let hub =
                from_hub(1, &format!("[detector]\nort_library = \"/tmp/b.so\"\n{toml}"), &installed).unwrap();
            assert_eq!(hub.cameras[0].camera.masks, installed.cameras[0].camera.masks, "{toml}");
            assert_eq!(hub.detector.ort_library, installed.detector.ort_library);
        }
    }
}
