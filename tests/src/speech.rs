//! A hotline call in Mandarin, synthesised: two sides that take turns, in telephone quality.
//!
//! `espeak-ng` reads Chinese characters with its English voice, which is rubbish that nobody notices; its
//! voice `cmn-latn-pinyin` reads numbered pinyin correctly. So the scripts carry both.

use std::io::Cursor;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use protocol::Leg;
use serde::Serialize;

use crate::process::finish_within;

/// Telephone sampling, in hertz.
pub const RATE: u32 = 8_000;

/// One thing said.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub leg: Leg,
    pub text: &'static str,
    pub pinyin: &'static str,
}

const fn caller(text: &'static str, pinyin: &'static str) -> Turn {
    Turn { leg: Leg::Caller, text, pinyin }
}

const fn operator(text: &'static str, pinyin: &'static str) -> Turn {
    Turn { leg: Leg::Operator, text, pinyin }
}

/// A blocked fire lane: an ordinary call of about half a minute.
pub const BLOCKED_LANE: &[Turn] = &[
    operator(
        "您好，这里是市民热线，请问有什么可以帮您？",
        "nin2 hao3, zhe4 li3 shi4 shi4 min2 re4 xian4, qing3 wen4 you3 shen2 me5 ke3 yi3 bang1 nin2?",
    ),
    caller(
        "你好，我们小区门口的消防通道被车堵住了。",
        "ni3 hao3, wo3 men5 xiao3 qu1 men2 kou3 de5 xiao1 fang2 tong1 dao4 bei4 che1 du3 zhu4 le5.",
    ),
    operator(
        "请问是哪个小区，具体在什么位置？",
        "qing3 wen4 shi4 na3 ge5 xiao3 qu1, ju4 ti3 zai4 shen2 me5 wei4 zhi4?",
    ),
    caller("青松里社区二号楼，北门旁边。", "qing1 song1 li3 she4 qu1 er4 hao4 lou2, bei3 men2 pang2 bian1."),
    operator("车停了多长时间了？", "che1 ting2 le5 duo1 chang2 shi2 jian1 le5?"),
    caller(
        "大概两天了，晚上救护车都进不来。",
        "da4 gai4 liang3 tian1 le5, wan3 shang5 jiu4 hu4 che1 dou1 jin4 bu4 lai2.",
    ),
    operator(
        "好的，我已经登记，会尽快派人处理。",
        "hao3 de5, wo3 yi3 jing1 deng1 ji4, hui4 jin3 kuai4 pai4 ren2 chu3 li3.",
    ),
    caller("谢谢你。", "xie4 xie5 ni3."),
];

/// A fire: short, with an alarm word, in words that the demonstration recogniser knows.
pub const FIRE: &[Turn] = &[
    operator("您好，市民热线。", "nin2 hao3, shi4 min2 re4 xian4."),
    caller(
        "凤鸣路菜市场着火了，烟特别大！",
        "feng4 ming2 lu4 cai4 shi4 chang3 zhao2 huo3 le5, yan1 te4 bie2 da4!",
    ),
    operator("里面还有没有人？", "li3 mian4 hai2 you3 mei2 you3 ren2?"),
    caller("里面还有两个人，你们快来！", "li3 mian4 hai2 you3 liang3 ge5 ren2, ni3 men5 kuai4 lai2!"),
    operator("消防车马上出发。", "xiao1 fang2 che1 ma3 shang4 chu1 fa1."),
];

/// When somebody speaks in a finished call.
#[derive(Clone, Debug, Serialize)]
pub struct Spoken {
    pub leg: Leg,
    pub start_ms: u64,
    pub end_ms: u64,
    pub text: &'static str,
}

/// Both legs, equally long, and who says what when.
#[derive(Clone, Debug)]
pub struct Dialogue {
    pub caller: Vec<i16>,
    pub operator: Vec<i16>,
    pub spoken: Vec<Spoken>,
}

/// Silence before the first word, between turns and after the last.
const PAUSE_MS: usize = 350;

impl Dialogue {
    pub fn synthesise(script: &[Turn]) -> Result<Self> {
        let pause = vec![0_i16; PAUSE_MS * RATE as usize / 1000];
        let mut dialogue = Self { caller: pause.clone(), operator: pause.clone(), spoken: Vec::new() };
        for turn in script {
            let said = spoken(turn)?;
            let silence = vec![0_i16; said.len()];
            let start_ms = millis(dialogue.caller.len());
            let (speaks, listens) = match turn.leg {
                Leg::Caller => (&mut dialogue.caller, &mut dialogue.operator),
                Leg::Operator => (&mut dialogue.operator, &mut dialogue.caller),
            };
            speaks.extend(&said);
            listens.extend(&silence);
            dialogue.spoken.push(Spoken {
                leg: turn.leg,
                start_ms,
                end_ms: millis(dialogue.caller.len()),
                text: turn.text,
            });
            dialogue.caller.extend(&pause);
            dialogue.operator.extend(&pause);
        }
        Ok(dialogue)
    }

    pub fn duration_ms(&self) -> u64 {
        millis(self.caller.len().max(self.operator.len()))
    }

    /// `caller.wav`, `operator.wav` and `script.json` in `folder`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        write_wav(&folder.join("caller.wav"), &self.caller)?;
        write_wav(&folder.join("operator.wav"), &self.operator)?;
        let script = serde_json::to_vec_pretty(&self.spoken).context("writing the script as JSON")?;
        std::fs::write(folder.join("script.json"), script).context("writing script.json")
    }

    /// Reads the two WAV files of [`Dialogue::write`]; what was said is not read back.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(Self {
            caller: read_wav(&folder.join("caller.wav"))?,
            operator: read_wav(&folder.join("operator.wav"))?,
            spoken: Vec::new(),
        })
    }
}

fn millis(samples: usize) -> u64 {
    samples as u64 * 1000 / u64::from(RATE)
}

/// One turn in telephone quality, each side in its voice.
pub(crate) fn spoken(turn: &Turn) -> Result<Vec<i16>> {
    let voice = match turn.leg {
        Leg::Caller => ["cmn-latn-pinyin+m3", "38"],
        Leg::Operator => ["cmn-latn-pinyin+f2", "58"],
    };
    Ok(telephone(&say(turn.pinyin, voice)?))
}

/// Longest that one turn may take; it takes some hundredths of a second.
const TURN: Duration = Duration::from_secs(60);

/// Samples and their rate, from espeak-ng.
fn say(pinyin: &str, [voice, pitch]: [&str; 2]) -> Result<(Vec<i16>, u32)> {
    let mut espeak = Command::new("espeak-ng");
    espeak.args(["-v", voice, "-p", pitch, "-s", "165", "-a", "110", "--stdout", pinyin]);
    let output = finish_within(&mut espeak, TURN)
        .context("a turn of the call is spoken by espeak-ng (Debian package espeak-ng)")?;
    if !output.status.success() {
        bail!("espeak-ng: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    // Written to a pipe, its header does not know the length: everything after it is sound.
    let mut wav = output.stdout;
    ensure!(wav.len() > 44, "espeak-ng said nothing for {pinyin:?}");
    let data_bytes = u32::try_from(wav.len() - 44).context("speech of more than 4 GB")?;
    wav[40..44].copy_from_slice(&data_bytes.to_le_bytes());
    wav[4..8].copy_from_slice(&(data_bytes + 36).to_le_bytes());
    let reader = hound::WavReader::new(Cursor::new(wav)).context("espeak-ng's WAV")?;
    let rate = reader.spec().sample_rate;
    let samples = reader.into_samples::<i16>().collect::<Result<_, _>>().context("espeak-ng's samples")?;
    Ok((samples, rate))
}

/// 300–3400 Hz at [`RATE`], by a windowed-sinc band pass evaluated at the new sampling instants.
fn telephone((input, rate): &(Vec<i16>, u32)) -> Vec<i16> {
    const HALF_S: f64 = 0.008;
    let rate = f64::from(*rate);
    let ratio = rate / f64::from(RATE);
    let half = (HALF_S * rate) as isize;
    let low_pass = |cutoff: f64, t: f64| {
        let x = 2.0 * cutoff / rate;
        if t.abs() < 1e-9 { x } else { (std::f64::consts::PI * x * t).sin() / (std::f64::consts::PI * t) }
    };
    (0..(input.len() as f64 / ratio) as usize)
        .map(|n| {
            let centre = n as f64 * ratio;
            let first = (centre as isize - half).max(0);
            let last = (centre as isize + half).min(input.len() as isize - 1);
            let sum: f64 = (first..=last)
                .map(|k| {
                    let t = k as f64 - centre;
                    let window = 0.5 + 0.5 * (std::f64::consts::PI * t / (half as f64 + 1.0)).cos();
                    f64::from(input[k as usize]) * window * (low_pass(3400.0, t) - low_pass(300.0, t))
                })
                .sum();
            sum.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16
        })
        .collect()
}

pub(crate) fn write_wav(path: &Path, samples: &[i16]) -> Result<()> {
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer =
        hound::WavWriter::create(path, spec).with_context(|| format!("creating {}", path.display()))?;
    for sample in samples {
        writer.write_sample(*sample).with_context(|| format!("writing {}", path.display()))?;
    }
    writer.finalize().with_context(|| format!("closing {}", path.display()))
}

fn read_wav(path: &Path) -> Result<Vec<i16>> {
    let reader = hound::WavReader::open(path).with_context(|| format!("opening {}", path.display()))?;
    let spec = reader.spec();
    ensure!(
        spec.channels == 1 && spec.sample_rate == RATE && spec.bits_per_sample == 16,
        "{}: need mono 16-bit {RATE} Hz, found {spec:?}",
        path.display()
    );
    reader
        .into_samples::<i16>()
        .collect::<Result<_, _>>()
        .with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tone inside the band passes, tones outside do not.
    #[test]
    fn telephone_band() {
        let power = |hz: f64| {
            let tone: Vec<i16> = (0..22_050)
                .map(|n| ((f64::from(n) * hz * std::f64::consts::TAU / 22_050.0).sin() * 10_000.0) as i16)
                .collect();
            let out = telephone(&(tone, 22_050));
            assert_eq!(out.len(), 8_000);
            let middle = &out[1000..7000];
            (middle.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / middle.len() as f64).sqrt()
        };
        assert!((6_500.0..7_600.0).contains(&power(1000.0)), "{}", power(1000.0));
        assert!(power(60.0) < 700.0, "{}", power(60.0));
        assert!(power(3_950.0) < 700.0, "{}", power(3_950.0));
    }

    /// The synthesised call has sound where somebody speaks, silence on the other leg, and no two at once.
    #[test]
    fn legs_take_turns() {
        let dialogue = match Dialogue::synthesise(FIRE) {
            Ok(dialogue) => dialogue,
            Err(e) if format!("{e:#}").contains("No such file") => {
                println!("skipped: {e:#}");
                return;
            }
            Err(e) => panic!("{e:#}"),
        };
        assert_eq!(dialogue.caller.len(), dialogue.operator.len());
        for spoken in &dialogue.spoken {
            let range = (spoken.start_ms * 8) as usize..(spoken.end_ms * 8) as usize;
            let loud = |leg: &[i16]| leg[range.clone()].iter().filter(|s| s.abs() > 500).count();
            let (speaks, listens) = match spoken.leg {
                Leg::Caller => (&dialogue.caller, &dialogue.operator),
                Leg::Operator => (&dialogue.operator, &dialogue.caller),
            };
            assert!(loud(speaks) > range.len() / 5, "{}: {} of {}", spoken.text, loud(speaks), range.len());
            assert_eq!(loud(listens), 0);
        }
    }
}
