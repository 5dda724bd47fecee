//! Which of a camera's two streams serves a purpose now: the wanted one, or the other while that is not there. Pure.
//!
//! A change waits for a keyframe, because nothing else can be decoded, and a stream that comes back must have come for a
//! while: one that stumbles every few seconds would otherwise cost a decoder each time.

/// Without a unit for so long the other stream takes over.
const FALL_BACK_MS: u64 = 3_000;
/// So long without a pause a stream must have come to be taken back.
const STEADY_MS: u64 = 2_000;
/// A pause longer than this begins the count anew.
const PAUSE_MS: u64 = 1_500;
/// A stream from which no picture could be decoded is left alone for so long.
const USELESS_MS: u64 = 300_000;

/// The large stream for evidence, and the small one for analysis where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Main,
    Sub,
}

impl Role {
    /// As people and logs have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main stream",
            Self::Sub => "sub stream",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    Yes,
    /// From this unit on, after the other stream.
    Switched,
    No,
}

#[derive(Clone, Copy, Debug)]
struct Heard {
    last_ms: u64,
    steady_since_ms: u64,
}

#[derive(Debug)]
pub(super) struct Choice {
    wanted: Role,
    current: Role,
    heard: [Option<Heard>; 2],
    began_ms: u64,
    useless_until_ms: u64,
}

impl Choice {
    pub(super) fn new(wanted: Role, now_ms: u64) -> Self {
        Self { wanted, current: wanted, heard: [None; 2], began_ms: now_ms, useless_until_ms: 0 }
    }

    pub(super) fn current(&self) -> Role {
        self.current
    }

    /// Whether the one that is wanted serves.
    pub(super) fn is_as_wanted(&self) -> bool {
        self.current == self.wanted
    }

    /// A unit came: is it for this purpose?
    pub(super) fn take(&mut self, role: Role, keyframe: bool, now_ms: u64) -> Take {
        let steady_since_ms = match self.heard[role as usize] {
            Some(heard) if now_ms.saturating_sub(heard.last_ms) <= PAUSE_MS => heard.steady_since_ms,
            _ => now_ms,
        };
        self.heard[role as usize] = Some(Heard { last_ms: now_ms, steady_since_ms });
        if role == self.current {
            return Take::Yes;
        }
        let useless = now_ms < self.useless_until_ms;
        let due = if role == self.wanted {
            !useless && now_ms.saturating_sub(steady_since_ms) >= STEADY_MS
        } else {
            let last_ms = self.heard[self.wanted as usize].map_or(self.began_ms, |heard| heard.last_ms);
            useless || now_ms.saturating_sub(last_ms) > FALL_BACK_MS
        };
        if !(due && keyframe) {
            return Take::No;
        }
        self.current = role;
        Take::Switched
    }

    /// Nothing can be made of the wanted stream: the other may have its place for a while.
    pub(super) fn is_useless(&mut self, now_ms: u64) {
        if self.is_as_wanted() {
            self.useless_until_ms = now_ms + USELESS_MS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both streams at ten units per second with a keyframe each second, the sub stream while `sub(now)`; gives the
    /// times at which another took over.
    fn play(choice: &mut Choice, from_s: u64, to_s: u64, sub: impl Fn(u64) -> bool) -> Vec<(u64, Role)> {
        let mut switches = Vec::new();
        for now_ms in (from_s * 1_000..to_s * 1_000).step_by(100) {
            for role in [Role::Main, Role::Sub] {
                if (role == Role::Main || sub(now_ms))
                    && choice.take(role, now_ms % 1_000 == 0, now_ms) == Take::Switched
                {
                    switches.push((now_ms, role));
                }
            }
        }
        switches
    }

    /// The other stream serves from its first keyframe after three silent seconds, the wanted one again once it has
    /// been steady; one that stumbles is not taken back.
    #[test]
    fn falls_back_and_returns() {
        let mut choice = Choice::new(Role::Sub, 0);
        assert_eq!(play(&mut choice, 0, 10, |_| true), []);
        assert_eq!(play(&mut choice, 10, 20, |_| false), [(13_000, Role::Main)]);
        assert!(!choice.is_as_wanted());
        let stumbling = |now_ms: u64| now_ms % 4_000 < 1_500;
        assert_eq!(play(&mut choice, 20, 40, stumbling), []);
        assert_eq!(play(&mut choice, 40, 60, |_| true), [(42_000, Role::Sub)]);
    }

    /// A stream that never comes does not hold up analysis; one that shows nothing is left for five minutes.
    #[test]
    fn useless_streams_are_left() {
        let mut choice = Choice::new(Role::Sub, 0);
        assert_eq!(play(&mut choice, 0, 6, |_| false), [(4_000, Role::Main)]);
        assert_eq!(play(&mut choice, 6, 10, |_| true), [(8_000, Role::Sub)]);
        choice.is_useless(10_000);
        assert_eq!(play(&mut choice, 10, 300, |_| true), [(10_000, Role::Main)]);
        assert_eq!(play(&mut choice, 300, 320, |_| true), [(310_000, Role::Sub)]);
    }

    /// With one stream there is nothing to choose.
    #[test]
    fn one_stream_serves_alone() {
        let mut choice = Choice::new(Role::Main, 0);
        assert_eq!(choice.take(Role::Main, false, 0), Take::Yes);
        assert_eq!(choice.take(Role::Main, true, 3_600_000), Take::Yes);
    }
}
