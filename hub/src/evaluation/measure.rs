//! 综合评价: what is measured, and what it is called. How each is reckoned is [`super::point`]'s; docs/MEASURES.md says the
//! same for people.

use std::fmt;
use std::str::FromStr;

/// What a figure is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// How many, of what happened in the period.
    Count,
    /// How many there are at its end.
    Stock,
    /// Of how many how many; of none it is no rate.
    Rate,
    /// How long on average.
    Length,
}

macro_rules! measures {
    ($($variant:ident = $id:literal, $zh:literal, $en:literal, $shape:ident;)*) => {
        /// In the order in which tables have them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Measure { $($variant,)* }

        impl Measure {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            pub fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            pub fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }

            pub fn shape(self) -> Shape {
                match self { $(Self::$variant => Shape::$shape,)* }
            }
        }
    };
}

measures! {
    Reported = "reported", "上报数", "Reported", Count;
    TakenUp = "taken_up", "受理数", "Taken up", Count;
    Filed = "filed", "立案数", "Filed", Count;
    HandledHere = "handled_here", "自行处置数", "Handled at their level", Count;
    FalseAlarm = "false_alarm", "误报数", "False alarms", Count;
    Dispatched = "dispatched", "派遣数", "Dispatched", Count;
    DueToHandle = "due_to_handle", "应处置数", "Due to be handled", Count;
    Handled = "handled", "处置数", "Handled", Count;
    HandledLate = "handled_late", "超期处置数", "Handled late", Count;
    Unhandled = "unhandled", "未处置数", "Not handled yet", Stock;
    UnhandledLate = "unhandled_late", "超期未处置数", "Not handled and overdue", Stock;
    DueToClose = "due_to_close", "应结案数", "Due to be closed", Count;
    Closed = "closed", "结案数", "Closed", Count;
    Rework = "rework", "返工数", "Sent back", Count;
    Suspended = "suspended", "挂账数", "Suspended", Stock;
    TriageOnTime = "triage_on_time", "按时受理率", "Triage on time", Rate;
    FilingOnTime = "filing_on_time", "按时立案率", "Filing on time", Rate;
    DispatchOnTime = "dispatch_on_time", "按期派遣率", "Dispatch on time", Rate;
    HandlingOnTime = "handling_on_time", "按期处置率", "Handling on time", Rate;
    CheckOnTime = "check_on_time", "按期核查率", "Verification on time", Rate;
    ClosingRate = "closing_rate", "结案率", "Closed of due", Rate;
    ClosingOnTime = "closing_on_time", "按期结案率", "Closing on time", Rate;
    DispatchAccurate = "dispatch_accurate", "准确派遣率", "Dispatched rightly", Rate;
    ReworkRate = "rework_rate", "返工率", "Sent back of reported", Rate;
    HandledHereRate = "handled_here_rate", "自行处置率", "Handled at their level of taken up", Rate;
    Satisfaction = "satisfaction", "满意率", "Satisfied", Rate;
    TimeToClose = "time_to_close", "平均办结时长", "Average time to close", Length;
}

impl Measure {
    /// Of which less is better.
    pub fn is_fault(self) -> bool {
        matches!(self, Self::ReworkRate)
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Measure {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let all = || Self::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
        let found = Self::ALL.iter().copied().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not one of {}", all()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ids, and names in both languages, are each used once; ids read back.
    #[test]
    fn measures_are_told_apart() {
        for word in [Measure::as_str, Measure::zh, Measure::en] {
            let mut words: Vec<_> = Measure::ALL.iter().map(|one| word(*one)).collect();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), Measure::ALL.len());
        }
        for one in Measure::ALL {
            assert_eq!(one.as_str().parse(), Ok(*one));
        }
        assert!("speed".parse::<Measure>().unwrap_err().contains("handling_on_time"));
    }
}
