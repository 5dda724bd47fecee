//! What is said in a rush: two sides that take turns with pauses between, in words that the demonstration recogniser
//! knows, each turn one breath (no comma, so that it ends once).

use anyhow::Result;
use protocol::{Chance, Leg};

use crate::speech::{RATE, Turn, spoken};

const fn turn(leg: Leg, text: &'static str, pinyin: &'static str) -> Turn {
    Turn { leg, text, pinyin }
}

const SAID: &[Turn] = &[
    turn(Leg::Operator, "您好这里是市民热线", "nin2 hao3 zhe4 li3 shi4 shi4 min2 re4 xian4"),
    turn(Leg::Caller, "我们小区电梯老是坏", "wo3 men5 xiao3 qu1 dian4 ti1 lao3 shi4 huai4"),
    turn(Leg::Operator, "请问您在什么位置", "qing3 wen4 nin2 zai4 shen2 me5 wei4 zhi4"),
    turn(
        Leg::Caller,
        "我家住北塘社区三号楼二单元",
        "wo3 jia1 zhu4 bei3 tang2 she4 qu1 san1 hao4 lou2 er4 dan1 yuan2",
    ),
    turn(Leg::Operator, "这个情况我记录下来了", "zhe4 ge5 qing2 kuang4 wo3 ji4 lu4 xia4 lai2 le5"),
    turn(Leg::Caller, "楼上半夜还在施工", "lou2 shang4 ban4 ye4 hai2 zai4 shi1 gong1"),
    turn(Leg::Operator, "请您留下联系电话", "qing3 nin2 liu2 xia4 lian2 xi4 dian4 hua4"),
    turn(Leg::Caller, "老板欠我三个月工资", "lao3 ban3 qian4 wo3 san1 ge5 yue4 gong1 zi1"),
    turn(Leg::Operator, "三个工作日内给您回电话", "san1 ge5 gong1 zuo4 ri4 nei4 gei3 nin2 hui2 dian4 hua4"),
    turn(Leg::Caller, "路灯已经三天不亮了", "lu4 deng1 yi3 jing1 san1 tian1 bu2 liang4 le5"),
    turn(Leg::Operator, "请问有什么可以帮您", "qing3 wen4 you3 shen2 me5 ke3 yi3 bang1 nin2"),
    turn(Leg::Caller, "下水道往外冒水", "xia4 shui3 dao4 wang3 wai4 mao4 shui3"),
    turn(Leg::Operator, "我们马上派人过去", "wo3 men5 ma3 shang4 pai4 ren2 guo4 qu4"),
    turn(Leg::Caller, "请问老年证到哪里办", "qing3 wen4 lao3 nian2 zheng4 dao4 na3 li3 ban4"),
];

/// Between two turns, in milliseconds: at least, and how much more at most.
const PAUSE_MS: u64 = 700;
const MORE_MS: u64 = 1_300;
/// Quieter than this is no sound of a turn: espeak-ng puts silence around it.
const SOUND: i16 = 150;

/// One turn in a call: samples of its leg from its first sound to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub leg: Leg,
    pub start: usize,
    pub end: usize,
}

/// Both legs, equally long, and who speaks when. No sample is zero: silence that the box puts in can be told from ours.
#[derive(Clone, Debug)]
pub struct Talk {
    pub caller: Vec<i16>,
    pub operator: Vec<i16>,
    pub turns: Vec<Placed>,
}

impl Talk {
    pub fn leg(&self, leg: Leg) -> &[i16] {
        match leg {
            Leg::Caller => &self.caller,
            Leg::Operator => &self.operator,
        }
    }
}

/// As many calls of about `seconds`. Each begins elsewhere in what is said and pauses in its own way.
pub fn calls(count: usize, seconds: u64, chance: &Chance) -> Result<Vec<Talk>> {
    let said = SAID.iter().map(|turn| Ok((turn.leg, sound(&spoken(turn)?)))).collect::<Result<Vec<_>>>()?;
    Ok((0..count).map(|number| call(&said, number, seconds, chance)).collect())
}

fn call(said: &[(Leg, Vec<i16>)], number: usize, seconds: u64, chance: &Chance) -> Talk {
    let mut talk = Talk { caller: Vec::new(), operator: Vec::new(), turns: Vec::new() };
    let length = (seconds * u64::from(RATE)) as usize;
    // By pairs, so that each call begins with the operator.
    for (leg, sound) in said.iter().cycle().skip(number * 2 % said.len()) {
        let pause_ms = PAUSE_MS + chance.below(MORE_MS);
        let start = talk.caller.len() + (pause_ms * u64::from(RATE) / 1_000) as usize;
        let end = start + sound.len();
        if end > length {
            break;
        }
        talk.caller.resize(end, 1);
        talk.operator.resize(end, 1);
        let speaks = if *leg == Leg::Caller { &mut talk.caller } else { &mut talk.operator };
        for (to, from) in speaks[start..].iter_mut().zip(sound) {
            *to = from | 1;
        }
        talk.turns.push(Placed { leg: *leg, start, end });
    }
    // Whoever speaks last is heard to the end.
    talk.caller.resize(talk.caller.len() + RATE as usize, 1);
    talk.operator.resize(talk.operator.len() + RATE as usize, 1);
    talk
}

/// Without the silence around it.
fn sound(samples: &[i16]) -> Vec<i16> {
    let loud = |sample: &i16| sample.unsigned_abs() >= SOUND.unsigned_abs();
    let first = samples.iter().position(loud).unwrap_or(0);
    let last = samples.iter().rposition(loud).unwrap_or(0);
    samples[first..=last.max(first)].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls are as long as they may be, take turns that never meet, hold no zero, and no two of them are alike.
    #[test]
    fn calls_take_turns_out_of_step() {
        let said: Vec<(Leg, Vec<i16>)> =
            SAID.iter().map(|turn| (turn.leg, vec![1_000; RATE as usize * 3 / 2])).collect();
        let chance = Chance::seeded(1);
        let calls: Vec<Talk> = (0..16).map(|number| call(&said, number, 40, &chance)).collect();
        for talk in &calls {
            assert_eq!(talk.caller.len(), talk.operator.len());
            assert!((36..=41).contains(&(talk.caller.len() / RATE as usize)), "{}", talk.caller.len());
            assert!(talk.turns.len() >= 10 && talk.turns[0].leg == Leg::Operator);
            assert!(
                talk.turns.windows(2).all(|pair| pair[0].end < pair[1].start && pair[0].leg != pair[1].leg)
            );
            assert!(talk.caller.iter().chain(&talk.operator).all(|sample| *sample != 0));
            for turn in &talk.turns {
                assert!(talk.leg(turn.leg)[turn.start..turn.end].iter().all(|sample| *sample == 1_001));
            }
        }
        let starts = |talk: &Talk| talk.turns.iter().map(|turn| turn.start).collect::<Vec<_>>();
        assert!((1..16).all(|n| starts(&calls[n]) != starts(&calls[n - 1])));
    }

    /// The silence around a sound is cut off, the quiet within it stays; of silence next to nothing is left.
    #[test]
    fn a_turn_begins_with_its_sound() {
        assert_eq!(sound(&[0, 20, -900, 3, 700, 10, 0]), [-900, 3, 700]);
        assert_eq!(sound(&[3; 50]).len(), 1);
    }
}
