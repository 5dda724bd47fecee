//! What a program and all that it has started cost, from `/proc`.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// The kernel counts CPU time in hundredths of a second.
const TICK_MS: u64 = 10;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// User and system time so far, that of children that have ended included.
    pub cpu_ms: u64,
    /// Memory, what is shared among processes counted once (`Pss`).
    pub memory_kib: u64,
}

/// Of `root` and everything below it.
pub fn cost(root: u32) -> Result<Cost> {
    let mut below: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").context("reading /proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // It may have ended meanwhile.
        let Some(fields) = fields(pid) else { continue };
        if let Some(parent) = fields.get(1).and_then(|field| u32::try_from(*field).ok()) {
            below.entry(parent).or_default().push(pid);
        }
    }
    let (mut open, mut cost) = (vec![root], Cost::default());
    while let Some(pid) = open.pop() {
        let own = fields(pid);
        if pid == root {
            own.as_ref().with_context(|| format!("process {pid} has ended"))?;
        }
        let Some(own) = own else { continue };
        // utime, stime, cutime, cstime: proc(5) counts them from 14 on, `fields` from the third.
        cost.cpu_ms += own.get(11..15).map_or(0, |times| times.iter().sum::<u64>()) * TICK_MS;
        cost.memory_kib += shared_kib(pid);
        open.extend(below.get(&pid).into_iter().flatten());
    }
    Ok(cost)
}

/// The numbers of `/proc/PID/stat` after the program's name, which may hold blanks; its state counts as 0.
fn fields(pid: u32) -> Option<Vec<u64>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
}

fn shared_kib(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::process::Process;

    /// What a child spends counts for its parent, while it runs and after it has ended.
    #[tokio::test]
    async fn children_count() {
        let folder = tempfile::tempdir().unwrap();
        let busy = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("sh -c '{busy}; echo half; exec sleep 60' & sh -c '{busy}'; echo whole; wait"),
        ]);
        let mut shell = Process::spawn("busy", command, folder.path()).unwrap();
        let before = cost(shell.pid()).unwrap();
        shell.line("half", Duration::from_secs(60)).await.unwrap();
        shell.line("whole", Duration::from_secs(60)).await.unwrap();
        let after = cost(shell.pid()).unwrap();
        let own = fields(shell.pid()).unwrap()[11..13].iter().sum::<u64>() * TICK_MS;
        assert!(
            after.cpu_ms >= before.cpu_ms + 40 && own < after.cpu_ms / 2,
            "{before:?} {after:?}, own {own}"
        );
        assert!(after.memory_kib > 0, "{after:?}");
        shell.kill();
        assert!(cost(shell.pid()).is_err(), "it has ended");
    }
}
