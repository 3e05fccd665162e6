//! Which addresses of the internet protocol are public: what a stranger may let us connect to.
//!
//! The lists are IANA's registries of special-purpose addresses (RFC 6890 and its successors), and
//! the places at which clouds tell machines their secrets. Of IPv6 only what is handed out as
//! global unicast, `2000::/3`, counts as public, so that what is not thought of is refused.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// What an address is that is not public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kept {
    /// `0.0.0.0/8` and `::`: this host.
    Unspecified,
    /// RFC 1918: networks of one's own.
    Private,
    /// This host.
    Loopback,
    /// The link: no router passes it on.
    LinkLocal,
    /// Where a cloud tells a machine its secrets.
    Metadata,
    /// RFC 6598: between a provider and its customers.
    CarrierNat,
    /// RFC 6890 and RFC 7723: of the protocols themselves.
    Protocol,
    /// RFC 5737, RFC 3849 and RFC 9637: for examples.
    Documentation,
    /// RFC 2544 and RFC 5180: for measuring devices.
    Benchmarking,
    /// Many receivers at once.
    Multicast,
    /// `255.255.255.255`: everybody on the link.
    Broadcast,
    /// `240.0.0.0/4`: for the future.
    Reserved,
    /// RFC 4193: networks of one's own in IPv6.
    UniqueLocal,
    /// RFC 3879: what came before those.
    SiteLocal,
    /// `::ffff:0:0/96`: IPv4 in the clothes of IPv6.
    V4Mapped,
    /// `::/96`: the same in older clothes.
    V4Compatible,
    /// RFC 3056 and RFC 7526: to IPv4 through somebody's tunnel.
    SixToFour,
    /// RFC 4380: the same through another.
    Teredo,
    /// RFC 6052 and RFC 8215: to an IPv4 address that is not public, through a translator.
    Nat64,
    /// Not handed out as global unicast.
    NotGlobal,
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::Private => "private",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Metadata => "metadata",
            Self::CarrierNat => "carrier NAT",
            Self::Protocol => "protocol",
            Self::Documentation => "documentation",
            Self::Benchmarking => "benchmarking",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Reserved => "reserved",
            Self::UniqueLocal => "unique local",
            Self::SiteLocal => "site-local",
            Self::V4Mapped => "IPv4-mapped",
            Self::V4Compatible => "IPv4-compatible",
            Self::SixToFour => "6to4",
            Self::Teredo => "Teredo",
            Self::Nat64 => "NAT64",
            Self::NotGlobal => "not global unicast",
        })
    }
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a network of the form 10.0.0.0/8")]
pub struct NetworkError;

impl Network {
    const fn v4(base: [u8; 4], bits: u8) -> Self {
        let [a, b, c, d] = base;
        Self {
            base: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            bits,
        }
    }

    const fn v6(base: [u16; 8], bits: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = base;
        Self {
            base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)),
            bits,
        }
    }

    /// Whether an address lies in it. Families do not mix: an IPv4 network holds no mapped ones.
    pub fn contains(&self, address: IpAddr) -> bool {
        let (base, address, width) = match (self.base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => (
                u128::from(base.to_bits()),
                u128::from(address.to_bits()),
                32,
            ),
            (IpAddr::V6(base), IpAddr::V6(address)) => (base.to_bits(), address.to_bits(), 128),
            _ => return false,
        };
        let rest = width - u32::from(self.bits);
        // A shift by all 128 bits is none.
        let begin = |number: u128| number.checked_shr(rest).unwrap_or(0);
        begin(base) == begin(address)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (base, bits) = text.split_once('/').ok_or(NetworkError)?;
        let base: IpAddr = base.parse().map_err(|_| NetworkError)?;
        let bits: u8 = bits.parse().map_err(|_| NetworkError)?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        if bits > width {
            return Err(NetworkError);
        }
        Ok(Self { base, bits })
    }
}

/// The first network that holds an address says what it is: narrow ones stand before wide ones.
const KEPT: &[(Network, Kept)] = &[
    // AWS, Google, Azure, Oracle and others; then Alibaba; then Azure's own; then AWS over IPv6.
    (Network::v4([169, 254, 169, 254], 32), Kept::Metadata),
    (Network::v4([100, 100, 100, 200], 32), Kept::Metadata),
    (Network::v4([168, 63, 129, 16], 32), Kept::Metadata),
    (
        Network::v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
        Kept::Metadata,
    ),
    (Network::v4([0, 0, 0, 0], 8), Kept::Unspecified),
    (Network::v4([10, 0, 0, 0], 8), Kept::Private),
    (Network::v4([100, 64, 0, 0], 10), Kept::CarrierNat),
    (Network::v4([127, 0, 0, 0], 8), Kept::Loopback),
    (Network::v4([169, 254, 0, 0], 16), Kept::LinkLocal),
    (Network::v4([172, 16, 0, 0], 12), Kept::Private),
    (Network::v4([192, 0, 0, 0], 24), Kept::Protocol),
    (Network::v4([192, 0, 2, 0], 24), Kept::Documentation),
    (Network::v4([192, 88, 99, 0], 24), Kept::SixToFour),
    (Network::v4([192, 168, 0, 0], 16), Kept::Private),
    (Network::v4([198, 18, 0, 0], 15), Kept::Benchmarking),
    (Network::v4([198, 51, 100, 0], 24), Kept::Documentation),
    (Network::v4([203, 0, 113, 0], 24), Kept::Documentation),
    (Network::v4([224, 0, 0, 0], 4), Kept::Multicast),
    (Network::v4([255, 255, 255, 255], 32), Kept::Broadcast),
    (Network::v4([240, 0, 0, 0], 4), Kept::Reserved),
    (Network::v6([0; 8], 128), Kept::Unspecified),
    (Network::v6([0, 0, 0, 0, 0, 0, 0, 1], 128), Kept::Loopback),
    (
        Network::v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96),
        Kept::V4Mapped,
    ),
    (Network::v6([0; 8], 96), Kept::V4Compatible),
    (
        Network::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
        Kept::Nat64,
    ),
    (Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Kept::Teredo),
    (
        Network::v6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48),
        Kept::Benchmarking,
    ),
    (
        Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
        Kept::Protocol,
    ),
    (
        Network::v6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        Kept::Documentation,
    ),
    (
        Network::v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
        Kept::Documentation,
    ),
    (
        Network::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
        Kept::SixToFour,
    ),
    (
        Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
        Kept::UniqueLocal,
    ),
    (
        Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
        Kept::LinkLocal,
    ),
    (
        Network::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
        Kept::SiteLocal,
    ),
    (
        Network::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
        Kept::Multicast,
    ),
];
/// What IANA hands out as global unicast.
const GLOBAL_UNICAST: Network = Network::v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// The translators' own network, whose last 32 bits are an IPv4 address (RFC 6052).
const NAT64: Network = Network::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

/// What an address is, if it is not public.
pub(super) fn kept(address: IpAddr) -> Option<Kept> {
    let found = KEPT.iter().find(|(network, _)| network.contains(address));
    if let Some((_, kept)) = found {
        return Some(*kept);
    }
    match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(_) if GLOBAL_UNICAST.contains(address) => None,
        // Where a network has IPv6 alone its resolver gives these for every public IPv4 host.
        IpAddr::V6(address) if NAT64.contains(address.into()) => {
            let [.., a, b, c, d] = address.octets();
            kept(Ipv4Addr::new(a, b, c, d).into()).map(|_| Kept::Nat64)
        }
        IpAddr::V6(_) => Some(Kept::NotGlobal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_that_is_not_public_is_kept_by_its_name() {
        for (address, name) in [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.0.0.1", "private"),
            ("10.255.255.255", "private"),
            ("100.64.0.1", "carrier NAT"),
            ("100.127.255.255", "carrier NAT"),
            ("100.100.100.200", "metadata"),
            ("127.0.0.1", "loopback"),
            ("127.255.255.254", "loopback"),
            ("168.63.129.16", "metadata"),
            ("169.254.0.1", "link-local"),
            ("169.254.169.254", "metadata"),
            ("172.16.0.1", "private"),
            ("172.31.255.255", "private"),
            ("192.0.0.1", "protocol"),
            ("192.0.2.1", "documentation"),
            ("192.88.99.1", "6to4"),
            ("192.168.0.1", "private"),
            ("198.18.0.1", "benchmarking"),
            ("198.19.255.255", "benchmarking"),
            ("198.51.100.1", "documentation"),
            ("203.0.113.1", "documentation"),
            ("224.0.0.1", "multicast"),
            ("239.255.255.255", "multicast"),
            ("240.0.0.1", "reserved"),
            ("255.255.255.255", "broadcast"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::127.0.0.1", "IPv4-compatible"),
            ("::8.8.8.8", "IPv4-compatible"),
            ("::ffff:127.0.0.1", "IPv4-mapped"),
            ("::ffff:169.254.169.254", "IPv4-mapped"),
            ("::ffff:8.8.8.8", "IPv4-mapped"),
            ("64:ff9b::10.0.0.1", "NAT64"),
            ("64:ff9b::169.254.169.254", "NAT64"),
            ("64:ff9b:1::1", "NAT64"),
            ("100::1", "not global unicast"),
            ("2001::1", "Teredo"),
            ("2001:0:7f00:1::", "Teredo"),
            ("2001:2::1", "benchmarking"),
            ("2001:10::1", "protocol"),
            ("2001:db8::1", "documentation"),
            ("2002:7f00:1::", "6to4"),
            ("2002:808:808::1", "6to4"),
            ("3fff::1", "documentation"),
            ("4000::1", "not global unicast"),
            ("5f00::1", "not global unicast"),
            ("fc00::1", "unique local"),
            ("fd00:ec2::254", "metadata"),
            ("fd12:3456::1", "unique local"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
        ] {
            let said = kept(address.parse().unwrap()).map(|kept| kept.to_string());
            assert_eq!(said.as_deref(), Some(name), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_not_kept_up_to_the_edges_of_those_that_are() {
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.0.3.0",
            "192.88.98.255",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2606:4700::1111",
            "2a00:1450::1",
            "3ffe::1",
        ] {
            assert_eq!(kept(address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn a_network_is_read_as_it_is_written_and_holds_its_own_family_alone() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        assert!(network.contains("10.1.255.1".parse().unwrap()));
        assert!(!network.contains("10.2.0.0".parse().unwrap()));
        assert!(!network.contains("::ffff:10.1.0.1".parse().unwrap()));
        let everything: Network = "::/0".parse().unwrap();
        assert!(everything.contains("ff02::1".parse().unwrap()));
        for text in ["10.0.0.0", "10.0.0.0/33", "::/129", "10.0.0/8", "x/8", ""] {
            assert_eq!(text.parse::<Network>(), Err(NetworkError), "{text}");
        }
    }
}
