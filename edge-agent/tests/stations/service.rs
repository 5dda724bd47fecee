//! The program as a service manager runs it: it says when it is ready, feeds the watchdog, says when it stops. And
//! nothing that it prints, shows or keeps to send holds a camera's password.

use std::net::TcpListener;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::media::{Running, wait_for_within};

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// `/metrics`, say; empty while nobody listens.
fn page(port: u16, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let Ok(mut stream) = std::net::TcpStream::connect(("127.0.0.1", port)) else { return String::new() };
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    let _ = stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    answer
}

#[test]
fn a_service_says_how_it_is_and_keeps_passwords() {
    const SECRETS: [&str; 3] = ["hush-in-url", "hush-in-path", "hush-beside"];
    let dir = tempfile::tempdir().unwrap();
    let (health, nobody) = (free_port(), free_port());
    let config = dir.path().join("edge.toml");
    let data = dir.path().join("data");
    let toml = format!(
        "[agent]\ndata_dir = {data:?}\n[detector]\nenabled = false\n[health]\nlisten = \"127.0.0.1:{health}\"\n\
         [[camera]]\nid = \"ball\"\nurl = \"test://ball\"\n\
         [[camera]]\nid = \"one\"\nurl = \"rtsp://admin:hush-in-url@127.0.0.1:{nobody}/live\"\n\
         [[camera]]\nid = \"two\"\nurl = \"rtsp://127.0.0.1:{nobody}/user=admin&password=hush-in-path&channel=1\"\n\
         [[camera]]\nid = \"three\"\nurl = \"rtsp://127.0.0.1:{nobody}/live\"\nusername = \"admin\"\npassword = \"hush-beside\"\n\
         [[camera]]\nid = \"four\"\nurl = \"admin:hush-in-url@127.0.0.1/live\"\n"
    );
    std::fs::write(&config, toml).unwrap();
    let silent = |what: &str, text: &str| {
        for secret in SECRETS {
            assert!(!text.contains(secret), "{what} shows a password:\n{text}");
        }
    };
    let agent = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edge-agent"));
        command.arg("--config").arg(&config).args(arguments).stdin(Stdio::null());
        command
    };
    for arguments in [&["check"][..], &["doctor", "--json"]] {
        let output = agent(arguments).output().unwrap();
        silent("standard output", &String::from_utf8_lossy(&output.stdout));
        silent("the log", &String::from_utf8_lossy(&output.stderr));
        assert!(String::from_utf8_lossy(&output.stdout).contains("two"), "{arguments:?}");
    }

    let socket = dir.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let said = |wanted: &str| loop {
        let mut text = [0; 4_096];
        let length = manager.recv(&mut text).unwrap_or_else(|e| panic!("never {wanted}: {e}"));
        if String::from_utf8_lossy(&text[..length]).contains(wanted) {
            return;
        }
    };
    let log = dir.path().join("log");
    let mut run = agent(&["run"]);
    run.env("NOTIFY_SOCKET", &socket).env("SHAODIAN_LOG", "debug,sqlx=warn");
    run.stdout(Stdio::null()).stderr(std::fs::File::create(&log).unwrap());
    let mut running = Running(run.spawn().unwrap());
    said("READY=1");
    said("WATCHDOG=1");
    said("WATCHDOG=1");
    wait_for_within("a running camera", 60, || {
        page(health, "/metrics").contains("camera_running{camera=\"ball\"} 1")
    });
    wait_for_within("words of the others", 60, || {
        let log = std::fs::read_to_string(&log).unwrap();
        ["one", "two", "three", "four"].iter().all(|id| log.contains(&format!("camera={id}")))
    });
    silent("/metrics", &page(health, "/metrics"));
    silent("/readyz", &page(health, "/readyz"));
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    said("STOPPING=1");
    wait_for_within("its end", 30, || running.0.try_wait().unwrap().is_some());
    assert!(running.0.wait().unwrap().success());
    silent("the log", &std::fs::read_to_string(&log).unwrap());
    for entry in std::fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            silent(&path.display().to_string(), &String::from_utf8_lossy(&std::fs::read(&path).unwrap()));
        }
    }
}
