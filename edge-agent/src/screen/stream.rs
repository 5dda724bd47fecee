//! `edge-agent screen`: one utterance per line in, one JSON object per line out.

use std::io::{BufRead, Write};
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

/// Until the input ends. Each answer is written out before the next line is read.
pub fn run(args: &Args, input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    let gazetteer = args.gazetteer.as_deref().map(Gazetteer::load).transpose()?.unwrap_or_default();
    let screener = Screener::new(gazetteer);
    // The tables are built at first use; that is nobody's utterance.
    screener.screen("喂你好");
    let clock = SystemClock::new();
    for (index, line) in input.split(b'\n').enumerate() {
        let bytes = line.context("cannot read standard input")?;
        let text = match std::str::from_utf8(&bytes) {
            Ok(text) => text.trim_end_matches('\r'),
            Err(error) => {
                let error = format!("line {} is not UTF-8 ({error}); write it in UTF-8", index + 1);
                writeln!(output, "{}", serde_json::to_string(&Unread { error })?)?;
                output.flush()?;
                continue;
            }
        };
        let began_us = clock.uptime_us();
        let screened = screener.screen(text);
        let latency_us = clock.uptime_us() - began_us;
        writeln!(output, "{}", serde_json::to_string(&Line { screened: &screened, latency_us })?)?;
        output.flush()?;
    }
    Ok(())
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

    /// Nothing that anybody says ends the program: no letters, one letter, marks only, very long.
    #[test]
    fn odd_lines_are_answered() {
        let long = "着火了".repeat(20_000);
        for odd in ["", " ", "，。", "a", "喂", "😀😀", "１２３", "\u{0}\u{1}", "幺", long.as_str()]
        {
            assert_eq!(screen(odd.as_bytes()).len(), usize::from(!odd.is_empty()), "{odd:.20}");
        }
    }
}
