//! Which addresses the hub writes to because a browser named them. A user could name any: one of the hub's own network is
//! refused where it is written as a number ([`read`]), and where a name turns out to be one ([`Guard`], at the moment of
//! the connection, so that a name cannot change its meaning after it was looked at). Whoever runs the hub may allow them
//! (`insecure`).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Longest endpoint, in bytes: those of today's services have some hundreds.
const MOST_ENDPOINT: usize = 1_024;

/// An endpoint that may be written to. The complaint does not repeat it: it is a secret of its browser.
pub(crate) fn read(text: &str, insecure: bool) -> Result<Url, String> {
    if text.len() > MOST_ENDPOINT {
        return Err(format!("is longer than {MOST_ENDPOINT} bytes"));
    }
    let url = Url::parse(text).map_err(|error| format!("is no address: {error}"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).trim_end_matches('.');
    if host.is_empty() || !url.username().is_empty() || url.password().is_some() {
        return Err("must name a host, and no user".to_owned());
    }
    match url.scheme() {
        "https" => {}
        "http" if insecure => {}
        _ => return Err("must begin with https://".to_owned()),
    }
    let is_outside = match host.parse::<IpAddr>() {
        Ok(ip) => is_public(ip),
        // A name without a dot is one of this network.
        Err(_) => host.contains('.') && !is_local_name(host),
    };
    if is_outside || insecure { Ok(url) } else { Err("lies in the hub's own network".to_owned()) }
}

fn is_local_name(host: &str) -> bool {
    ["localhost", "local", "internal", "home.arpa"]
        .iter()
        .any(|end| host == *end || host.strip_suffix(end).is_some_and(|before| before.ends_with('.')))
}

/// Whether an address is one of the internet, by IANA's registries of special addresses.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || a == 0
        // Shared by providers; IETF's own; benchmarks; multicast and above.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 224;
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    if let Some(within) = ip.to_ipv4_mapped() {
        return is_public_v4(within);
    }
    // Only 2000::/3 is given out; of it not what tunnels to other addresses, nor what documents use.
    (a & 0xe000) == 0x2000 && !(a == 0x2001 && (b < 0x0200 || b == 0x0db8)) && a != 0x2002
}

/// Finds addresses of names, those of the internet only. A proxy that the environment names may lie where it likes: it is
/// the operator's, and it is what reaches the internet then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guard {
    proxies: Vec<String>,
}

impl Guard {
    /// With the proxies of this process's environment.
    pub(crate) fn of_environment() -> Self {
        let names = ["https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
        let host = |text: String| {
            let text = if text.contains("://") { text } else { format!("http://{text}") };
            Url::parse(&text).ok()?.host_str().map(str::to_owned)
        };
        Self { proxies: names.iter().filter_map(|name| host(std::env::var(name).ok()?)).collect() }
    }

    fn take(&self, name: &str, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, String> {
        if self.proxies.iter().any(|proxy| proxy == name) {
            return Ok(found);
        }
        let public: Vec<SocketAddr> = found.into_iter().filter(|at| is_public(at.ip())).collect();
        if public.is_empty() { Err(format!("{name} lies in the hub's own network")) } else { Ok(public) }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let taken = guard.take(name.as_str(), found.collect())?;
            Ok(Box::new(taken.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses of push services are taken; those of the hub's own network, however they are written, are not, unless
    /// somebody has allowed it.
    #[test]
    fn endpoints() {
        for good in [
            "https://fcm.googleapis.com/fcm/send/abc:def",
            "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
            "https://web.push.apple.com/QaBc",
            "https://8.8.8.8/x",
            "https://[2606:4700::1111]/x",
        ] {
            assert!(read(good, false).is_ok(), "{good}");
        }
        for own in [
            "https://localhost/x",
            "https://push.localhost/x",
            "https://intranet/x",
            "https://printer.local./x",
            "https://127.0.0.1/x",
            "https://0x7f.1/x",
            "https://2130706433/x",
            "https://10.1.2.3:8443/x",
            "https://169.254.169.254/latest",
            "https://[::1]/x",
            "https://[::ffff:10.0.0.1]/x",
            "https://[fd00::1]/x",
        ] {
            assert_eq!(read(own, false).unwrap_err(), "lies in the hub's own network", "{own}");
            assert!(read(own, true).is_ok(), "{own}");
        }
        for never in ["", "push", "ftp://push.test/x", "https://li@push.test/x", "https://li:pw@push.test/x"]
        {
            assert!(read(never, true).is_err(), "{never}");
        }
        assert_eq!(read("http://push.test/x", false).unwrap_err(), "must begin with https://");
        assert!(read("http://push.test/x", true).is_ok());
        assert!(
            read(&format!("https://push.test/{}", "x".repeat(1_024)), true).unwrap_err().contains("1024")
        );
    }

    /// A block by its first and last address: what is given out is public, what is not is not.
    #[test]
    fn public_addresses() {
        for (text, public) in [
            ("9.255.255.255", true),
            ("10.0.0.0", false),
            ("10.255.255.255", false),
            ("11.0.0.0", true),
            ("100.63.255.255", true),
            ("100.64.0.0", false),
            ("100.127.255.255", false),
            ("100.128.0.0", true),
            ("172.15.255.255", true),
            ("172.16.0.0", false),
            ("172.31.255.255", false),
            ("172.32.0.0", true),
            ("192.0.0.8", false),
            ("192.168.0.1", false),
            ("198.17.255.255", true),
            ("198.18.0.0", false),
            ("198.19.255.255", false),
            ("203.0.113.7", false),
            ("0.0.0.0", false),
            ("223.255.255.255", true),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("64:ff9b::a00:1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2001:4860::1", true),
            ("2002:a00:1::", false),
            ("2400:3200::1", true),
            ("fc00::1", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("::ffff:8.8.8.8", true),
        ] {
            assert_eq!(is_public(text.parse().unwrap()), public, "{text}");
        }
    }

    /// Of what a name stands for only addresses of the internet are tried; one that has none is refused, whatever it was
    /// when somebody looked before. A proxy may be anywhere.
    #[test]
    fn names() {
        let at = |text: &str| SocketAddr::new(text.parse().unwrap(), 0);
        let guard = Guard { proxies: vec!["proxy.test".to_owned()] };
        let mixed = vec![at("10.0.0.1"), at("8.8.8.8")];
        assert_eq!(guard.take("push.test", mixed.clone()), Ok(vec![at("8.8.8.8")]));
        assert!(guard.take("push.test", vec![at("127.0.0.1"), at("::1")]).is_err());
        assert!(guard.take("push.test", vec![]).is_err());
        assert_eq!(guard.take("proxy.test", mixed.clone()), Ok(mixed));
    }

    /// The resolver itself says no to a name of this machine.
    #[tokio::test]
    async fn this_machine_is_not_found() {
        let found = Guard::default().resolve("localhost".parse().unwrap()).await;
        assert!(found.err().unwrap().to_string().contains("own network"));
    }
}
