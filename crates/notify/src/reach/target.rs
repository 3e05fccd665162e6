//! Addresses as people write them, taken strictly: what could be read in two ways is refused.

use std::net::IpAddr;

use http::Uri;
use packtrain_core::secret::Secret;

use super::address::{Kept, Network, kept};

/// Bytes of an address.
const URL_BYTES_MAX: usize = 2_048;
/// Bytes of a host name and of one of its parts (RFC 1035).
const HOST_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Whom a stranger's address may lead to. The default is the public internet over TLS.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Whether plain http is taken too: for development alone.
    pub allows_plain: bool,
    /// Networks that may be reached although they are not public, at any port.
    pub networks: Vec<Network>,
    /// Ports that may be reached elsewhere.
    pub ports: Vec<u16>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            allows_plain: false,
            networks: Vec::new(),
            ports: vec![443, 8443],
        }
    }
}

impl Policy {
    /// Whether this address and port may be reached.
    ///
    /// # Errors
    /// [`Refusal`] says why not.
    pub(super) fn admit(&self, address: IpAddr, port: u16) -> Result<(), Refusal> {
        if self
            .networks
            .iter()
            .any(|network| network.contains(address))
        {
            return Ok(());
        }
        match kept(address) {
            Some(kept) => Err(Refusal::NotPublic(kept)),
            None if !self.ports.contains(&port) => Err(Refusal::Port(port)),
            None => Ok(()),
        }
    }

    /// Whether this port may be reached wherever a name leads. Where networks are allowed it may
    /// lead into one of them, and only [`admit`](Self::admit) can tell.
    fn admit_port(&self, port: u16) -> Result<(), Refusal> {
        match self.networks.is_empty() && !self.ports.contains(&port) {
            true => Err(Refusal::Port(port)),
            false => Ok(()),
        }
    }
}

/// Why an address is not asked. Nothing here repeats it: there may be a key in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No address, or one that is too long or has spaces, control characters or a fragment.
    #[error("not an address of the form https://host/path")]
    Form,
    /// Something else than https.
    #[error("only https is taken")]
    Scheme,
    /// A user or a password stands in it.
    #[error("a user or password stands in the address")]
    User,
    /// The host is no name as registries give it.
    #[error("the host is no plain name with a dot in it, nor an IP address")]
    Host,
    /// The host is an IPv4 address in a spelling of which programs make different things.
    #[error("the host is an IPv4 address in an odd spelling")]
    OddAddress,
    /// The name leads to an address that is not public.
    #[error("the host leads to a {0} address, which is not public")]
    NotPublic(Kept),
    /// The port is not one of those that are reached.
    #[error("port {0} is not reached")]
    Port(u16),
}

/// An address that can be asked, once its host is resolved and looked at.
#[derive(Debug, Clone)]
pub struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
    pub(super) is_https: bool,
    /// As the `Host` header names it.
    pub(super) authority: String,
    /// May hold a key.
    pub(super) path: Secret<String>,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Host {
    Name(String),
    Ip(IpAddr),
}

impl Target {
    /// Reads an address under a policy, and refuses what is wrong with it wherever its name leads.
    /// Names are not resolved here.
    ///
    /// # Errors
    /// [`Refusal`] says what is wrong, without repeating the address.
    pub fn parse(url: &Secret<String>, policy: &Policy) -> Result<Self, Refusal> {
        let text = url.reveal().as_str();
        // The reader of addresses drops a fragment in silence.
        let is_odd = |byte: u8| byte <= b' ' || byte >= 0x7f || b"#\\".contains(&byte);
        if text.len() > URL_BYTES_MAX || text.bytes().any(is_odd) {
            return Err(Refusal::Form);
        }
        let uri: Uri = text.parse().map_err(|_| Refusal::Form)?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") if policy.allows_plain => false,
            Some(_) => return Err(Refusal::Scheme),
            None => return Err(Refusal::Form),
        };
        let authority = uri.authority().ok_or(Refusal::Form)?;
        if authority.as_str().contains('@') {
            return Err(Refusal::User);
        }
        let host = host(authority.host(), policy)?;
        let usual = if is_https { 443 } else { 80 };
        let port = match authority.port_u16() {
            Some(port) => port,
            // A colon without a number, or with one that is none.
            None if authority.as_str() != authority.host() => return Err(Refusal::Form),
            None => usual,
        };
        match host {
            Host::Ip(address) => policy.admit(address, port)?,
            Host::Name(_) => policy.admit_port(port)?,
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // `https://host?key=k` has no path; a request needs one.
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{path}");
        path.parse::<Uri>().map_err(|_| Refusal::Form)?;
        Ok(Self {
            host,
            port,
            is_https,
            authority: authority.as_str().to_ascii_lowercase(),
            path: Secret::new(path),
        })
    }

    /// The same place with another path.
    pub(crate) fn with_path(&self, path: Secret<String>) -> Self {
        Self {
            path,
            ..self.clone()
        }
    }
}

/// Reads a host: an address as the standards write it, or a name.
fn host(text: &str, policy: &Policy) -> Result<Host, Refusal> {
    if let Some(inside) = text.strip_prefix('[') {
        let address = inside.strip_suffix(']').and_then(|text| text.parse().ok());
        return address
            .map(|ip| Host::Ip(IpAddr::V6(ip)))
            .ok_or(Refusal::Host);
    }
    if let Ok(address) = text.parse() {
        return Ok(Host::Ip(IpAddr::V4(address)));
    }
    let name = text.to_ascii_lowercase();
    let is_label = |label: &str| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(is_letter)
    };
    // A trailing dot makes an empty last label; it names the same host in other letters.
    if name.len() > HOST_BYTES_MAX || !name.split('.').all(is_label) {
        return Err(Refusal::Host);
    }
    let last = name.rsplit('.').next().unwrap_or(&name);
    // 2130706433, 0x7f.1, 127.1 and 0177.0.0.1: numbers for some programs, names for others. No
    // top-level domain begins with a figure.
    if last.starts_with(|letter: char| letter.is_ascii_digit()) {
        return Err(Refusal::OddAddress);
    }
    // Names without a dot are completed from the settings of this machine.
    if last.len() == name.len() && policy.networks.is_empty() {
        return Err(Refusal::Host);
    }
    Ok(Host::Name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str, policy: &Policy) -> Result<Target, Refusal> {
        Target::parse(&Secret::new(url.to_owned()), policy)
    }

    #[test]
    fn every_odd_address_is_refused_for_its_reason() {
        let policy = Policy::default();
        for (url, refusal) in [
            ("", Refusal::Form),
            ("example.com/hook", Refusal::Form),
            ("/hook", Refusal::Form),
            ("https://", Refusal::Form),
            ("https:///hook", Refusal::Form),
            ("https://example.com/a b", Refusal::Form),
            ("https://example.com/\r\nx-a: b", Refusal::Form),
            ("https://example.com\\@127.0.0.1/", Refusal::Form),
            ("https://example.com/#@127.0.0.1", Refusal::Form),
            ("https://exämple.com/", Refusal::Form),
            ("https://example.com:/", Refusal::Form),
            ("https://example.com:99999/", Refusal::Form),
            ("http://example.com/", Refusal::Scheme),
            ("ftp://example.com/", Refusal::Scheme),
            ("file://example.com/etc/passwd", Refusal::Scheme),
            ("gopher://example.com/", Refusal::Scheme),
            ("https://me:hush@example.com/", Refusal::User),
            ("https://example.com@127.0.0.1/", Refusal::User),
            ("https://localhost/", Refusal::Host),
            ("https://metadata/", Refusal::Host),
            ("https://example.com./", Refusal::Host),
            ("https://127.0.0.1./", Refusal::Host),
            ("https://.example.com/", Refusal::Host),
            ("https://a..com/", Refusal::Host),
            ("https://exa_mple.com/", Refusal::Host),
            ("https://%31%32%37.0.0.1/", Refusal::Form),
            ("https://[::1%25eth0]/", Refusal::Host),
            ("https://[v1.x]/", Refusal::Host),
            ("https://2130706433/", Refusal::OddAddress),
            ("https://017700000001/", Refusal::OddAddress),
            ("https://0x7f000001/", Refusal::OddAddress),
            ("https://0x7f.0.0.1/", Refusal::OddAddress),
            ("https://0177.0.0.1/", Refusal::OddAddress),
            ("https://127.1/", Refusal::OddAddress),
            ("https://127.0.1/", Refusal::OddAddress),
            ("https://127.0.0.0x1/", Refusal::OddAddress),
            ("https://127.0.0.01/", Refusal::OddAddress),
            ("https://256.256.256.256/", Refusal::OddAddress),
            ("https://1.2.3.4.5/", Refusal::OddAddress),
            ("https://127.0.0.1/", Refusal::NotPublic(Kept::Loopback)),
            ("https://10.0.0.1/", Refusal::NotPublic(Kept::Private)),
            (
                "https://169.254.169.254/latest/",
                Refusal::NotPublic(Kept::Metadata),
            ),
            ("https://[::1]/", Refusal::NotPublic(Kept::Loopback)),
            (
                "https://[::ffff:169.254.169.254]/",
                Refusal::NotPublic(Kept::V4Mapped),
            ),
            (
                "https://[fd00:ec2::254]/",
                Refusal::NotPublic(Kept::Metadata),
            ),
            (
                "https://[64:ff9b::7f00:1]/",
                Refusal::NotPublic(Kept::Nat64),
            ),
            ("https://1.1.1.1:22/", Refusal::Port(22)),
            ("https://1.1.1.1:0/", Refusal::Port(0)),
            ("https://example.com:22/", Refusal::Port(22)),
            ("https://example.com:0/", Refusal::Port(0)),
        ] {
            assert_eq!(read(url, &policy).err(), Some(refusal), "{url}");
        }
        let long = format!("https://example.com/{}", "a".repeat(URL_BYTES_MAX));
        assert_eq!(read(&long, &policy).err(), Some(Refusal::Form));
    }

    #[test]
    fn an_address_of_the_public_internet_is_taken_with_its_path_and_host() {
        let policy = Policy::default();
        for (url, authority, path) in [
            ("https://example.com", "example.com", "/"),
            ("https://Example.COM/Hook?k=v", "example.com", "/Hook?k=v"),
            ("https://example.com?k=v", "example.com", "/?k=v"),
            ("https://example.com:8443/a", "example.com:8443", "/a"),
            (
                "https://xn--bcher-kva.example/",
                "xn--bcher-kva.example",
                "/",
            ),
            ("https://1.1.1.1/a", "1.1.1.1", "/a"),
            ("https://[2606:4700::1111]/a", "[2606:4700::1111]", "/a"),
        ] {
            let target = read(url, &policy).unwrap();
            assert_eq!(target.authority, authority, "{url}");
            assert_eq!(target.path.reveal(), path, "{url}");
        }
    }

    #[test]
    fn what_the_operator_allows_is_taken_and_nothing_beside_it() {
        let policy = Policy {
            allows_plain: true,
            networks: vec!["127.0.0.0/8".parse().unwrap()],
            ..Policy::default()
        };
        assert!(read("http://127.0.0.1:4000/", &policy).is_ok());
        assert!(read("http://localhost:4000/", &policy).is_ok());
        // Where a name leads is known when it is resolved.
        assert!(read("http://example.com:4000/", &policy).is_ok());
        let refused = read("http://10.0.0.1/", &policy).err();
        assert_eq!(refused, Some(Refusal::NotPublic(Kept::Private)));
        let refused = read("http://[::1]/", &policy).err();
        assert_eq!(refused, Some(Refusal::NotPublic(Kept::Loopback)));
    }
}
