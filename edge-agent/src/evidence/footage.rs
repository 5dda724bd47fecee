//! What a video holds and what is missing from it, in wall time. Pure.

use protocol::{Cut, Footage, Gap, GapReason, MAX_GAPS, UtcMs, VideoCodec};

use crate::camera::{Codec, Unit};

/// Pictures further apart than this are no slow camera: something is missing between them.
const HOLE_US: i64 = 1_000_000;

/// The stretch that a video is to show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) from: UtcMs,
    pub(super) until: UtcMs,
    /// Why there is no more of it.
    pub(super) cut: Option<Cut>,
}

/// `all`: what was gathered, in decoding order; `shown`: what of it is in the file, not empty.
pub(super) fn footage(all: &[Unit], shown: &[&Unit], asked: Asked) -> Footage {
    let mut times: Vec<(i64, bool)> = shown.iter().map(|u| (u.captured_us, u.after_gap)).collect();
    times.sort_unstable();
    let steps: Vec<i64> = times.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    let usual_us = usual(&steps);
    let ms = |us: i64| UtcMs(us.div_euclid(1_000));
    let (first, last) = (times[0].0, times[times.len() - 1].0);
    let mut gaps = Vec::new();
    // Pictures of another format were there, and are in no file with these.
    let others = |from: i64, to: i64| {
        all.iter().any(|u| u.format != shown[0].format && (from..to).contains(&u.captured_us))
    };
    let slack_us = (2 * usual_us).max(200_000);
    let asked_from_us = asked.from.0.saturating_mul(1_000);
    if asked_from_us < first - slack_us {
        let reason = if others(asked_from_us, first) { GapReason::FormatChanged } else { GapReason::NotKept };
        gaps.push(Gap { from: asked.from, to: ms(first), reason });
    }
    for (pair, step_us) in times.windows(2).zip(steps) {
        let broke_off = pair[1].1 && step_us > 2 * usual_us;
        if broke_off || step_us > HOLE_US.max(4 * usual_us) {
            let reason = if pair[1].1 { GapReason::StreamLost } else { GapReason::NoPictures };
            gaps.push(Gap { from: ms(pair[0].0 + usual_us), to: ms(pair[1].0), reason });
        }
    }
    let ends_us = last + usual_us;
    let asked_until_us = asked.until.0.saturating_mul(1_000);
    // What was cut off on purpose is no hole.
    let is_whole = matches!(asked.cut, Some(Cut::Bytes | Cut::BoxDown));
    if !is_whole && ends_us < asked_until_us - slack_us {
        let reason =
            if others(ends_us, asked_until_us) { GapReason::FormatChanged } else { GapReason::StreamLost };
        gaps.push(Gap { from: ms(ends_us), to: asked.until, reason });
    }
    let more_gaps = u32::try_from(gaps.len().saturating_sub(MAX_GAPS)).unwrap_or(u32::MAX);
    gaps.truncate(MAX_GAPS);
    let codec = codec(shown[0].format.codec);
    Footage { codec, ends_at: ms(ends_us), gaps, more_gaps, cut: asked.cut, copy_of: None }
}

pub(super) fn codec(codec: Codec) -> VideoCodec {
    match codec {
        Codec::H264 => VideoCodec::H264,
        Codec::H265 => VideoCodec::H265,
    }
}

/// From one picture to the next, mostly.
fn usual(steps: &[i64]) -> i64 {
    const ONE_PICTURE_US: i64 = 40_000;
    let mut sorted = steps.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or(ONE_PICTURE_US).max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::*;
    use crate::camera::Format;

    fn units(times_ms: &[i64], after_gap: &[i64], width: usize) -> Vec<Unit> {
        crate::camera::init().unwrap();
        let caps = Codec::H264.ring_caps();
        let format = Arc::new(Format { codec: Codec::H264, width, height: 2, caps });
        let unit = |at: &i64| Unit {
            captured_us: at * 1_000,
            keyframe: true,
            after_gap: after_gap.contains(at),
            data: Bytes::new(),
            format: format.clone(),
        };
        times_ms.iter().map(unit).collect()
    }

    fn asked(from: i64, until: i64, cut: Option<Cut>) -> Asked {
        Asked { from: UtcMs(from), until: UtcMs(until), cut }
    }

    fn gaps(all: &[Unit], shown: &[Unit], asked: Asked) -> Vec<(i64, i64, GapReason)> {
        let footage = footage(all, &shown.iter().collect::<Vec<_>>(), asked);
        footage.gaps.iter().map(|gap| (gap.from.0, gap.to.0, gap.reason)).collect()
    }

    /// A clip as asked for has no gap. Each kind of hole is told with its place and cause: before, inside (broken off
    /// or silent), after; one that was cut short on purpose has none after it.
    #[test]
    fn holes_are_told() {
        let whole: Vec<i64> = (0..100).map(|n| 1_000 + n * 40).collect();
        let units_of = |times: &[i64], after: &[i64]| units(times, after, 2);
        let all = units_of(&whole, &[]);
        assert_eq!(gaps(&all, &all, asked(1_100, 4_900, None)), []);
        let early = gaps(&all, &all, asked(0, 4_900, None));
        assert_eq!(early, [(0, 1_000, GapReason::NotKept)]);
        let late = gaps(&all, &all, asked(1_000, 9_000, None));
        assert_eq!(late, [(5_000, 9_000, GapReason::StreamLost)]);
        assert_eq!(gaps(&all, &all, asked(1_000, 9_000, Some(Cut::BoxDown))), []);
        assert_eq!(gaps(&all, &all, asked(1_000, 9_000, Some(Cut::Length))).len(), 1);

        let broken: Vec<i64> = whole.iter().copied().filter(|t| !(2_000..2_400).contains(t)).collect();
        let all = units_of(&broken, &[2_400]);
        let inside = gaps(&all, &all, asked(1_000, 5_000, None));
        assert_eq!(inside, [(2_000, 2_400, GapReason::StreamLost)]);
        let silent: Vec<i64> = whole.iter().copied().filter(|t| !(2_000..3_600).contains(t)).collect();
        let all = units_of(&silent, &[]);
        let inside = gaps(&all, &all, asked(1_000, 5_000, None));
        assert_eq!(inside, [(2_000, 3_600, GapReason::NoPictures)]);
    }

    /// Pictures of another format are in no file with these: they are a gap with its own name. Holes without number do
    /// not make a message without end.
    #[test]
    fn other_formats_are_gaps_and_the_list_ends() {
        let mut all = units(&[1_000, 1_040, 1_080], &[], 2);
        let shown = units(&[2_000, 2_040, 2_080], &[], 4);
        all.extend(shown.clone());
        let told = gaps(&all, &shown, asked(1_000, 2_100, None));
        assert_eq!(told, [(1_000, 2_000, GapReason::FormatChanged)]);

        let times: Vec<i64> = (0..60).flat_map(|n| [n * 3_000, n * 3_000 + 40, n * 3_000 + 80]).collect();
        let many = units(&times, &[], 2);
        let footage = footage(&many, &many.iter().collect::<Vec<_>>(), asked(0, 177_000, None));
        assert_eq!((footage.gaps.len(), footage.more_gaps), (MAX_GAPS, 59 - MAX_GAPS as u32));
    }
}
