//! Which addresses belong to the public network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// True for an address that anybody on the public network means by it: not this machine, not a private, local or
/// reserved range, and no such address wrapped in another.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(a) => public_v4(a),
        IpAddr::V6(a) => public_v6(a),
    }
}

fn public_v4(a: Ipv4Addr) -> bool {
    let [first, second, third, _] = a.octets();
    let reserved = match (first, second) {
        (0 | 127 | 10, _) => true,           // this network, this machine, private
        (100, 64..=127) => true,             // shared by a carrier
        (169, 254) => true,                  // of the link, and of a cloud's own services
        (172, 16..=31) | (192, 168) => true, // private
        (192, 0) => third == 0 || third == 2, // protocols, documentation
        (192, 88) => third == 99,            // relays
        (198, 18 | 19) => true,              // benchmarks
        (198, 51) => third == 100,           // documentation
        (203, 0) => third == 113,            // documentation
        (224.., _) => true,                  // multicast, reserved, broadcast
        _ => false,
    };
    !reserved
}

fn public_v6(a: Ipv6Addr) -> bool {
    let [first, second, third, .., seventh, eighth] = a.segments();
    let wrapped = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(inner) = a.to_ipv4_mapped() {
        return public_v4(inner);
    }
    match (first, second) {
        (0x0064, 0xff9b) => third == 0 && wrapped(seventh, eighth), // translated
        (0x2002, _) => wrapped(second, third),                      // 6to4
        (0x2001, 0 | 0x0db8) => false,                              // tunnels, documentation
        (0x2001, 2) => third != 0,                                  // benchmarks
        (0x3fff, _) => false,                                       // documentation
        _ => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_inside_are_not_public_however_they_are_wrapped() {
        for inside in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().unwrap()), "{inside}");
        }
        for public in [
            "8.8.8.8",
            "172.32.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "2606:4700::1111",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
