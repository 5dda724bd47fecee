//! `edge-agent screen`: one utterance per line in, one JSON object per line out.

use std::io::{BufRead, Read as _, Write};
use std::path::PathBuf;

use anyhow::Context;
use protocol::{Clock, SystemClock};
use serde::Serialize;

use super::gazetteer::Gazetteer;
use super::{Screened, Screener};

#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Streets, communities and points of the site, as CSV: name,kind,grid,aliases
    #[arg(long, value_name = "FILE")]
    pub gazetteer: Option<PathBuf>,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    screened: &'a Screened,
    latency_us: u64,
}

#[derive(Serialize)]
struct Unread {
    error: String,
}

/// Longest line, in bytes: some twenty thousand characters, more than anybody says in one breath.
const LONGEST_LINE: u64 = 64 * 1_024;

/// Until the input ends. Each answer is written out before the next line is read.
pub fn run(args: &Args, mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    let gazetteer = args.gazetteer.as_deref().map(Gazetteer::load).transpose()?.unwrap_or_default();
    let screener = Screener::new(gazetteer);
    // The tables are built at first use; that is nobody's utterance.
    screener.screen("喂你好");
    let clock = SystemClock::new();
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        input
            .by_ref()
            .take(LONGEST_LINE + 1)
            .read_until(b'\n', &mut bytes)
            .context("cannot read standard input")?;
        let answer = match utterance(&mut bytes, &mut input)? {
            None => break,
            Some(Ok(text)) => {
                let began_us = clock.uptime_us();
                let screened = screener.screen(text);
                let latency_us = clock.uptime_us() - began_us;
                serde_json::to_string(&Line { screened: &screened, latency_us })?
            }
            Some(Err(reason)) => serde_json::to_string(&Unread { error: format!("line {number} {reason}") })?,
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

/// The line that was read into `bytes`, or what is wrong with it; `None` at the end. What a line has beyond its limit is
/// read over.
fn utterance<'a>(
    bytes: &'a mut Vec<u8>,
    input: &mut impl BufRead,
) -> anyhow::Result<Option<Result<&'a str, String>>> {
    if bytes.is_empty() {
        return Ok(None);
    }
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
    } else if bytes.len() as u64 > LONGEST_LINE {
        input.skip_until(b'\n').context("cannot read standard input")?;
        return Ok(Some(Err(format!("is longer than {LONGEST_LINE} bytes; give one utterance a line"))));
    }
    Ok(Some(match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.trim_end_matches('\r')),
        Err(error) => Err(format!("is not UTF-8 ({error}); write it in UTF-8")),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn screen(input: &[u8]) -> Vec<Value> {
        let mut out = Vec::new();
        run(&Args { gazetteer: None }, input, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    /// Every line gets one answer, in order, with every field in its form; what cannot be read says so and holds up
    /// nothing.
    #[test]
    fn every_line_gets_its_answer() {
        let mut input = "我家闻到很重的煤气味,阀门关了还是有\r\n\n".as_bytes().to_vec();
        input.extend(b"\xff\xfe\n");
        input.extend("我住幸福家园五号楼二单元,电话幺三八九一七二三四五六".as_bytes());
        let answers = screen(&input);
        assert_eq!(answers.len(), 4);
        let gas = &answers[0];
        assert_eq!(gas["alarms"], serde_json::json!(["gas"]));
        assert_eq!(gas["urgency"], "emergency");
        assert_eq!(gas["category"], "utilities");
        assert_eq!(gas["category"], gas["category_top3"][0]["id"]);
        assert_eq!(gas["category_top3"].as_array().unwrap().len(), 3);
        for offer in gas["category_top3"].as_array().unwrap() {
            assert!((0.0..=1.0).contains(&offer["confidence"].as_f64().unwrap()), "{offer}");
            assert!(offer["words"].is_array());
        }
        assert!(
            gas["latency_us"].is_u64() && gas["address"].is_null() && gas["pii"] == serde_json::json!([])
        );
        assert_eq!(answers[1]["redacted"], "");
        assert!(answers[2]["error"].as_str().unwrap().starts_with("line 3 is not UTF-8"), "{}", answers[2]);
        let told = &answers[3];
        assert_eq!(told["redacted"], "我住幸福家园五号楼二单元,电话[电话号码]");
        assert_eq!(told["pii"], serde_json::json!(["phone"]));
        assert_eq!(told["address"]["text"], "幸福家园五号楼二单元");
        assert_eq!(told["address"]["span"], serde_json::json!([2, 12]));
    }

    /// A line beyond the limit is refused by its number, however long it is, and the next one is answered.
    #[test]
    fn an_endless_line_is_refused() {
        let mut input = vec![b'a'; 1_000_000];
        input.extend("\n我家闻到很重的煤气味\n".as_bytes());
        let answers = screen(&input);
        assert_eq!(answers.len(), 2);
        assert!(answers[0]["error"].as_str().unwrap().starts_with("line 1 is longer than 65536 bytes"));
        assert_eq!(answers[1]["alarms"], serde_json::json!(["gas"]));
        let just = vec![b'a'; LONGEST_LINE as usize];
        assert!(screen(&just)[0]["error"].is_null());
    }

    /// Nothing that anybody says ends the program: no letters, one letter, marks only, very long.
    #[test]
    fn odd_lines_are_answered() {
        let long = "着火了".repeat(7_000);
        for odd in ["", " ", "，。", "a", "喂", "😀😀", "１２３", "\u{0}\u{1}", "幺", long.as_str()]
        {
            assert_eq!(screen(odd.as_bytes()).len(), usize::from(!odd.is_empty()), "{odd:.20}");
        }
    }
}
