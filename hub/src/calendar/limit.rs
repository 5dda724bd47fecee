//! How long something may take, and in what it counts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Unit {
    /// 工作日: days on which there are hours of business; ends when they end.
    WorkingDay,
    /// 自然日: every day; ends at midnight.
    Day,
    /// 工作时: minutes within hours of business.
    WorkingMinute,
    /// 小时, 分钟: minutes, day and night.
    Minute,
}

/// `3 working days`, `2 hours`, `same day`. Days count from the day after the one on which the limit begins (Civil Code,
/// article 201); none of them is the same day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Limit {
    pub count: u32,
    pub unit: Unit,
}

/// Longest limit, in days: two years.
const MOST_DAYS: u32 = 731;

impl Limit {
    pub const fn new(count: u32, unit: Unit) -> Self {
        Self { count, unit }
    }

    /// `3个工作日`.
    pub fn zh(self) -> String {
        match (self.unit, self.count) {
            (Unit::WorkingDay, 0) => "当个工作日".to_owned(),
            (Unit::WorkingDay, count) => format!("{count}个工作日"),
            (Unit::Day, 0) => "当日".to_owned(),
            (Unit::Day, count) => format!("{count}个自然日"),
            (Unit::WorkingMinute, count) if count % 60 == 0 => format!("{}个工作时", count / 60),
            (Unit::WorkingMinute, count) => format!("{count}个工作分钟"),
            (Unit::Minute, count) if count % 60 == 0 => format!("{}小时", count / 60),
            (Unit::Minute, count) => format!("{count}分钟"),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, word) = match (self.unit, self.count) {
            (Unit::WorkingDay, 0) => return f.write_str("same working day"),
            (Unit::Day, 0) => return f.write_str("same day"),
            (Unit::WorkingDay, count) => (count, "working day"),
            (Unit::Day, count) => (count, "day"),
            (Unit::WorkingMinute, count) if count % 60 == 0 => (count / 60, "working hour"),
            (Unit::WorkingMinute, count) => (count, "working minute"),
            (Unit::Minute, count) if count % 60 == 0 => (count / 60, "hour"),
            (Unit::Minute, count) => (count, "minute"),
        };
        write!(f, "{count} {word}{}", if count == 1 { "" } else { "s" })
    }
}

impl FromStr for Limit {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no limit; write \"3 working days\", \"5 days\", \"4 working hours\", \"2 hours\", \
                 \"90 minutes\", \"same day\" or \"same working day\""
            )
        };
        match text.trim() {
            "same day" => return Ok(Self::new(0, Unit::Day)),
            "same working day" => return Ok(Self::new(0, Unit::WorkingDay)),
            _ => {}
        }
        let (count, words) = text.trim().split_once(' ').ok_or_else(wrong)?;
        let count: u32 = count.parse().map_err(|_| wrong())?;
        let (unit, each) = match words.trim().trim_end_matches('s') {
            "working day" => (Unit::WorkingDay, 1),
            "day" => (Unit::Day, 1),
            "working hour" => (Unit::WorkingMinute, 60),
            "working minute" => (Unit::WorkingMinute, 1),
            "hour" => (Unit::Minute, 60),
            "minute" => (Unit::Minute, 1),
            _ => return Err(wrong()),
        };
        let most = match unit {
            Unit::WorkingDay | Unit::Day => MOST_DAYS,
            Unit::WorkingMinute | Unit::Minute => MOST_DAYS * 24 * 60,
        };
        let limit = Self { count: count.saturating_mul(each), unit };
        if limit.count == 0 || limit.count > most {
            return Err(format!("{text:?}: a limit is at least 1 and at most two years"));
        }
        Ok(limit)
    }
}

impl TryFrom<String> for Limit {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Limit> for String {
    fn from(limit: Limit) -> Self {
        limit.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every form is read and written back alike; what is no limit is refused with what would be one.
    #[test]
    fn limits_read_back() {
        for (text, zh) in [
            ("3 working days", "3个工作日"),
            ("1 working day", "1个工作日"),
            ("5 days", "5个自然日"),
            ("same day", "当日"),
            ("same working day", "当个工作日"),
            ("4 working hours", "4个工作时"),
            ("30 working minutes", "30个工作分钟"),
            ("1 hour", "1小时"),
            ("90 minutes", "90分钟"),
        ] {
            let limit: Limit = text.parse().unwrap();
            assert_eq!((limit.to_string().as_str(), limit.zh().as_str()), (text, zh));
        }
        assert_eq!("60 minutes".parse::<Limit>().unwrap().to_string(), "1 hour");
        for bad in ["", "3", "three days", "0 hours", "-1 days", "3 weeks", "4000 days", "99999999999 days"] {
            let error = bad.parse::<Limit>().unwrap_err();
            assert!(error.contains(bad) && (error.contains("write") || error.contains("at most")), "{error}");
        }
    }
}
