//! Compact state rows: LEB128 integers, length-prefixed bytes, and a version in front.

use super::Fault;

/// First byte of every state row written here; a reader refuses what it does not know.
pub(super) const STATE_VERSION: u8 = 1;

/// Appends an unsigned integer, seven bits per byte, lowest first (LEB128).
pub(super) fn put_unsigned(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer: zigzag, then as [`put_unsigned`].
pub(super) fn put_signed(value: i64, out: &mut Vec<u8>) {
    put_unsigned(((value << 1) ^ (value >> 63)) as u64, out);
}

/// Appends bytes with their length in front.
pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_unsigned(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Checks the version of a state row and returns what follows.
pub(super) fn open(row: &[u8]) -> Result<&[u8], Fault> {
    match row.split_first() {
        Some((&STATE_VERSION, rest)) => Ok(rest),
        Some((other, _)) => Err(damaged(&format!("version {other}, this build reads {STATE_VERSION}"))),
        None => Err(damaged("no bytes")),
    }
}

/// Reads what [`put_unsigned`] wrote.
pub(super) fn get_unsigned(input: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let byte = get_byte(input)?;
        if shift == 63 && byte > 1 {
            break;
        }
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(damaged("an integer of more than 64 bits"))
}

/// Reads what [`put_signed`] wrote.
pub(super) fn get_signed(input: &mut &[u8]) -> Result<i64, Fault> {
    let value = get_unsigned(input)?;
    Ok((value >> 1) as i64 ^ -((value & 1) as i64))
}

/// Reads what [`put_bytes`] wrote.
pub(super) fn get_bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let len = usize::try_from(get_unsigned(input)?).map_err(|_| damaged("a length of more than 64 bits"))?;
    take(input, len)
}

/// Reads one byte.
pub(super) fn get_byte(input: &mut &[u8]) -> Result<u8, Fault> {
    Ok(take(input, 1)?[0])
}

/// Reads a float of eight bytes.
pub(super) fn get_f64(input: &mut &[u8]) -> Result<f64, Fault> {
    let (bytes, rest) = input.split_first_chunk::<8>().ok_or_else(|| damaged("it ends early"))?;
    *input = rest;
    Ok(f64::from_le_bytes(*bytes))
}

/// Reads `len` bytes.
pub(super) fn take<'a>(input: &mut &'a [u8], len: usize) -> Result<&'a [u8], Fault> {
    let (taken, rest) = input.split_at_checked(len).ok_or_else(|| damaged("it ends early"))?;
    *input = rest;
    Ok(taken)
}

/// A state row that is not what the operator wrote.
pub(super) fn damaged(reason: &str) -> Fault {
    Fault::internal(format!("a state row is damaged: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_come_back() {
        for value in [0, 1, -1, 63, 64, -64, -65, 1 << 40, i64::MAX, i64::MIN] {
            let mut bytes = Vec::new();
            put_signed(value, &mut bytes);
            let mut input = bytes.as_slice();
            assert_eq!(get_signed(&mut input).unwrap(), value);
            assert!(input.is_empty());
        }
    }

    #[test]
    fn damage_is_an_error() {
        assert!(get_unsigned(&mut [0xff; 11].as_slice()).is_err());
        assert!(get_unsigned(&mut [0x80].as_slice()).is_err());
        assert!(get_bytes(&mut [5, 1, 2].as_slice()).is_err());
        assert!(open(&[]).is_err());
        assert!(open(&[9]).is_err());
    }
}
