//! Redis' serialization protocol, versions 2 and 3. A command's kind is its name, as far as it is one of those below; an
//! answer's is `reply`.

use super::begins::{Begins, Side};

/// Commands that have a kind of their own.
const COMMANDS: &[&str] = &[
    "APPEND",
    "AUTH",
    "BLMOVE",
    "BLPOP",
    "BRPOP",
    "DECR",
    "DEL",
    "DISCARD",
    "EVAL",
    "EXEC",
    "EXISTS",
    "EXPIRE",
    "GET",
    "HDEL",
    "HELLO",
    "HGET",
    "HGETALL",
    "HSET",
    "INCR",
    "KEYS",
    "LLEN",
    "LMOVE",
    "LPOP",
    "LPUSH",
    "LRANGE",
    "LREM",
    "MGET",
    "MSET",
    "MULTI",
    "PING",
    "PSUBSCRIBE",
    "PUBLISH",
    "PUNSUBSCRIBE",
    "QUIT",
    "RPOP",
    "RPOPLPUSH",
    "RPUSH",
    "SADD",
    "SCAN",
    "SELECT",
    "SET",
    "SETEX",
    "SETNX",
    "SMEMBERS",
    "SREM",
    "SUBSCRIBE",
    "TTL",
    "UNSUBSCRIBE",
    "UNWATCH",
    "WATCH",
    "XACK",
    "XADD",
    "XAUTOCLAIM",
    "XCLAIM",
    "XDEL",
    "XGROUP",
    "XLEN",
    "XPENDING",
    "XRANGE",
    "XREAD",
    "XREADGROUP",
    "XTRIM",
    "ZADD",
    "ZRANGE",
    "ZREM",
];

/// How deep values may be in values.
const DEEPEST: u32 = 32;

/// An array of something.
pub(super) fn is_command(first: &[u8]) -> bool {
    matches!(first, [b'*', digit, ..] if digit.is_ascii_digit())
}

pub(super) fn next(side: Side, bytes: &[u8]) -> Begins {
    match value(bytes, 0, DEEPEST) {
        Ok(Some(end)) if side == Side::Connected => Begins::Message(end, command(&bytes[..end])),
        Ok(Some(end)) => Begins::Message(end, "reply"),
        Ok(None) => Begins::Incomplete,
        Err(NoValue) => Begins::Else,
    }
}

/// Bytes are no value.
struct NoValue;

/// The end of the line that begins at `at`, and of its text.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    Some((&rest[..end], at + end + 2))
}

/// Where the value ends that begins at `at`, if all of it is there.
fn value(bytes: &[u8], at: usize, deep: u32) -> Result<Option<usize>, NoValue> {
    let Some(kind) = bytes.get(at) else { return Ok(None) };
    if !b"+-:_#,($!=*~>%|".contains(kind) || deep == 0 {
        return Err(NoValue);
    }
    let Some((text, mut end)) = line(bytes, at + 1) else { return Ok(None) };
    let number = || -> Result<i64, NoValue> {
        std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(NoValue)
    };
    match kind {
        b'$' | b'!' | b'=' => {
            // There is none of a length below zero.
            let Ok(length) = usize::try_from(number()?) else { return Ok(Some(end)) };
            end = end.checked_add(length).ok_or(NoValue)?;
            match bytes.get(end..end.saturating_add(2)) {
                Some(b"\r\n") => Ok(Some(end + 2)),
                Some(_) => Err(NoValue),
                None => Ok(None),
            }
        }
        b'*' | b'~' | b'>' | b'%' | b'|' => {
            let pairs = matches!(kind, b'%' | b'|');
            for _ in 0..number()?.saturating_mul(if pairs { 2 } else { 1 }) {
                match value(bytes, end, deep - 1)? {
                    Some(next) => end = next,
                    None => return Ok(None),
                }
            }
            // An attribute stands before the value that it is of.
            if *kind == b'|' { value(bytes, end, deep - 1) } else { Ok(Some(end)) }
        }
        _ => Ok(Some(end)),
    }
}

/// The kind of a command, which is an array of strings.
fn command(bytes: &[u8]) -> &'static str {
    let name = line(bytes, 0).and_then(|(_, first)| {
        let (_, text) = line(bytes, first)?;
        line(bytes, text).map(|(name, _)| name)
    });
    let known = COMMANDS
        .iter()
        .find(|known| name.is_some_and(|name| known.as_bytes().eq_ignore_ascii_case(name)));
    known.copied().unwrap_or("command")
}
