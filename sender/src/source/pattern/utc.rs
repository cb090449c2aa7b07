//! The time of day and the date, in UTC, as people write them.

use std::time::{SystemTime, UNIX_EPOCH};

const DAY_S: u64 = 86_400;

/// `12:34:56.789`; a time before 1970 shows as its beginning.
pub(super) fn clock(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let second = since.as_secs() % DAY_S;
    format!("{:02}:{:02}:{:02}.{:03}", second / 3600, second / 60 % 60, second % 60, since.subsec_millis())
}

/// `2026-11-21`.
pub(super) fn date(time: SystemTime) -> String {
    let mut day = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / DAY_S;
    // 400 years of the Gregorian calendar have 146,097 days; what is left is few enough to be counted off.
    let mut year = 1970 + day / 146_097 * 400;
    day %= 146_097;
    while day >= days_in(year) {
        day -= days_in(year);
        year += 1;
    }
    let february = if days_in(year) == 366 { 29 } else { 28 };
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    format!("{year:04}-{month:02}-{:02}", day + 1)
}

fn days_in(year: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    if leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn known_moments_are_written_right() {
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00.123"),
            (951_782_399, "2000-02-28 23:59:59.123"),
            (951_868_799, "2000-02-29 23:59:59.123"),
            (1_000_000_000, "2001-09-09 01:46:40.123"),
            (1_735_689_599, "2024-12-31 23:59:59.123"),
            (4_107_542_400, "2100-03-01 00:00:00.123"),
        ] {
            let time = UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 123);
            assert_eq!(format!("{} {}", date(time), clock(time)), expected);
        }
    }
}
