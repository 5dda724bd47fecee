//! Under which names and addresses a server certificate must hold.

use std::path::PathBuf;

use crate::app::App;

/// Paths of the hub's server certificate and key, for every name it has.
pub fn server_certificate(app: &App) -> anyhow::Result<(PathBuf, PathBuf)> {
    let mut names = local_names();
    names.extend(app.config.http.names.iter().cloned());
    app.authority.server(&names, &app.chance, app.clock.now())
}

/// Names and addresses under which this machine may be called: loopback, host name, every local address.
pub fn local_names() -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    if host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') && !host.is_empty() {
        names.push(host);
    }
    // Not `/proc/net`, which a hardened service does not see.
    match std::fs::read_to_string("/proc/self/net/fib_trie") {
        Ok(table) => names.extend(local_v4(&table)),
        Err(error) => {
            tracing::warn!(%error, "the addresses of this machine are not known; name them at [http] names");
        }
    }
    names.sort();
    names.dedup();
    names
}

/// Addresses that `/proc/net/fib_trie` marks as this host's.
fn local_v4(table: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut last = "";
    for line in table.lines() {
        let line = line.trim_start_matches([' ', '|', '-', '+']);
        if line.starts_with("/32 host LOCAL") && last.parse::<std::net::Ipv4Addr>().is_ok() {
            found.push(last.to_owned());
        } else {
            last = line.trim();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses of this host, not of its networks.
    #[test]
    fn local_addresses_are_read_from_the_kernel() {
        let table = "Local:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.1.2.0\n        /24 link UNICAST\n     |-- 10.1.2.3\n        /32 host LOCAL\n     |-- 10.1.2.255\n        /32 link BROADCAST\n";
        assert_eq!(local_v4(table), ["10.1.2.3"]);
        assert!(local_names().contains(&"127.0.0.1".to_owned()));
    }
}
