//! IPv4 and TCP headers (RFC 791, RFC 9293), as far as the switch needs them.

use std::net::Ipv4Addr;

pub(super) const FIN: u8 = 1;
pub(super) const SYN: u8 = 2;
pub(super) const RST: u8 = 4;
pub(super) const ACK: u8 = 16;

/// Where a packet goes; None if it is not one of IPv4.
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    if packet.len() < 20 || packet[0] >> 4 != 4 {
        return None;
    }
    Some(address(&packet[16..20]))
}

fn address(bytes: &[u8]) -> Ipv4Addr {
    Ipv4Addr::new(bytes[0], bytes[1], bytes[2], bytes[3])
}

/// An end of a TCP connection.
pub(super) type End = (Ipv4Addr, u16);

/// A TCP segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    pub from: End,
    pub to: End,
    pub sequence: u32,
    pub acknowledged: u32,
    pub flags: u8,
    /// How many sequence numbers it takes: bytes, and one each for SYN and FIN.
    pub length: u32,
}

impl Segment {
    pub(super) fn parse(packet: &[u8]) -> Option<Self> {
        const TCP: u8 = 6;
        destination(packet)?;
        let short = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
        let header = usize::from(packet[0] & 15) * 4;
        // Fragments but the first have no TCP header.
        if header < 20 || packet[9] != TCP || short(6) & 0x1fff != 0 || packet.len() < header + 20 {
            return None;
        }
        let tcp = &packet[header..];
        let port = |at: usize| u16::from_be_bytes([tcp[at], tcp[at + 1]]);
        let long = |at: usize| u32::from_be_bytes([tcp[at], tcp[at + 1], tcp[at + 2], tcp[at + 3]]);
        let flags = tcp[13];
        let data = usize::from(short(2)).checked_sub(header + usize::from(tcp[12] >> 4) * 4)?;
        let extra = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        Some(Self {
            from: (address(&packet[12..16]), port(0)),
            to: (address(&packet[16..20]), port(2)),
            sequence: long(4),
            acknowledged: long(8),
            flags,
            length: data as u32 + extra,
        })
    }

    /// The sequence number after it.
    pub(super) fn end(&self) -> u32 {
        self.sequence.wrapping_add(self.length)
    }
}

/// A packet that resets a connection: its receiver takes it for one of the other end's, if `sequence` is what it waits for.
pub(super) fn reset(from: End, to: End, sequence: u32, acknowledged: u32) -> [u8; 40] {
    let mut packet = [0; 40];
    let (ip, tcp) = packet.split_at_mut(20);
    ip[0] = 0x45;
    ip[3] = 40;
    // Not to be fragmented, 64 hops, TCP.
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = 6;
    ip[12..16].copy_from_slice(&from.0.octets());
    ip[16..20].copy_from_slice(&to.0.octets());
    let sum = checksum(ip, 0);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    tcp[0..2].copy_from_slice(&from.1.to_be_bytes());
    tcp[2..4].copy_from_slice(&to.1.to_be_bytes());
    tcp[4..8].copy_from_slice(&sequence.to_be_bytes());
    tcp[8..12].copy_from_slice(&acknowledged.to_be_bytes());
    tcp[12] = 5 << 4;
    tcp[13] = RST | ACK;
    // With the pseudo header: addresses, protocol, length.
    let pseudo = ip[12..20].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum = checksum(tcp, pseudo.sum::<u32>() + 6 + 20);
    tcp[16..18].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// The Internet checksum (RFC 1071) of an even number of bytes, on top of a sum.
fn checksum(bytes: &[u8], sum: u32) -> u16 {
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let mut sum = sum + words.sum::<u32>();
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_read_as_it_was_made_and_sums_up() {
        let (from, to) = ((Ipv4Addr::new(10, 1, 2, 3), 80), (Ipv4Addr::new(10, 1, 2, 4), 50_000));
        let packet = reset(from, to, 4_000_000_000, 7);
        let segment = Segment::parse(&packet).unwrap();
        assert_eq!((segment.from, segment.to), (from, to));
        assert_eq!((segment.sequence, segment.acknowledged), (4_000_000_000, 7));
        assert_eq!((segment.flags, segment.length), (RST | ACK, 0));
        // A right header sums to zero.
        assert_eq!(checksum(&packet[..20], 0), 0);
    }

    #[test]
    fn what_is_cut_short_or_no_tcp_is_none() {
        let packet = reset((Ipv4Addr::LOCALHOST, 1), (Ipv4Addr::LOCALHOST, 2), 3, 4);
        for length in 0..40 {
            assert_eq!(Segment::parse(&packet[..length]), None, "{length}");
        }
        for (at, value) in [(0, 0x65), (0, 0x41), (0, 0x4f), (7, 1), (9, 17), (12 + 20, 0xf0)] {
            let mut packet = packet;
            packet[at] = value;
            assert_eq!(Segment::parse(&packet), None, "{at} {value}");
        }
    }
}
