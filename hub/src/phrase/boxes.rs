//! Why a box did not do something, or does it worse, as its page, its cameras' pages and the requests show it.

use super::{DEEPEST, Known, Phrase, find};

/// What a box says, in Chinese, with its code; nothing where it is not known.
pub fn reason(text: &str) -> Option<Known> {
    at(text, DEEPEST)
}

fn at(text: &str, deeper: usize) -> Option<Known> {
    let hole = |inner: &str| deeper.checked_sub(1).and_then(|deeper| at(inner, deeper));
    find(ALL, text, |inner| hole(inner).map_or_else(|| inner.to_owned(), |known| known.zh))
}

macro_rules! phrases {
    ($($code:literal: $en:literal => $zh:literal;)*) => {
        pub(super) const ALL: &[Phrase] = &[$(Phrase { code: $code, en: $en, zh: $zh },)*];
    };
}

phrases! {
    // Cameras
    "no_picture": "no picture" => "没有画面";
    "no_picture_for": "no picture for {} s" => "{} 秒没有画面";
    "no_answer": "no answer from {} in {} s" => "{} 在 {} 秒内没有应答";
    "cannot_connect": "cannot connect to the camera" => "连接不上摄像机";
    "refuses_password": "the camera refuses this username and password" => "摄像机不接受这个用户名和密码";
    "no_stream": "the camera has no stream at this path" => "摄像机在这个路径没有视频流";
    "stream_ended": "the camera ended the stream" => "摄像机结束了视频流";
    "stream_stays": "the stream does not start" => "视频流没有开始";
    "codec": "the camera sends {}; set it to H.264 or H.265" => "摄像机发送 {}；请改为 H.264 或 H.265";
    "no_decoder_starts": "no decoder for {} starts; the log says why" => "{} 的解码器都启动不了；原因见日志";
    "no_decoder": "no decoder for {}: install gstreamer1.0-libav" => "没有 {} 的解码器：请安装 gstreamer1.0-libav";
    "decoder_passed_over": "the decoder {} was passed over: {}" => "跳过了解码器 {}：{}";
    "shows_nothing": "it shows nothing" => "不出画面";
    "hangs": "it hangs: nothing for {} s" => "停住了：{} 秒没有动静";
    "decoding_stopped": "decoding stopped: {}" => "解码停止：{}";
    "not_decoded": "video arrives, but no picture can be decoded from it" => "收到视频，但解不出画面";
    "main_missing_why": "the main stream is not there ({}): evidence is made of the sub stream" => "主码流不在（{}）：证据取自子码流";
    "main_missing": "the main stream is not there: evidence is made of the sub stream" => "主码流不在：证据取自子码流";
    "sub_missing_why": "the sub stream is not there ({}): the main stream is analysed" => "子码流不在（{}）：改分析主码流";
    "sub_missing": "the sub stream is not there: the main stream is analysed" => "子码流不在：改分析主码流";
    "sub_aside": "the sub stream is left aside: the main stream is analysed" => "子码流搁置：改分析主码流";
    "certificate_expired": "it has expired (is this box's clock right?)" => "证书已过期（盒子的时钟对吗？）";
    "certificate_early": "it is not valid yet (is this box's clock right?)" => "证书尚未生效（盒子的时钟对吗？）";
    "certificate_unsigned": "nobody known has signed it" => "证书没有受信任的签发者";
    "certificate_missing": "the camera shows no certificate" => "摄像机没有出示证书";
    "program_fault": "a fault of this program; its log says which" => "程序故障；见日志";
    // Detectors and the box as a whole
    "not_loaded": "not loaded yet" => "尚未加载";
    "loading_panicked": "loading it panicked; see the log" => "加载时出错；见日志";
    "model_refused": "stays at work; what was installed in its place is refused: {}" => "继续用原来的；替换它的新版本未被接受：{}";
    "pose_fails": "pose: {}; falls are told without it" => "姿态模型：{}；跌倒照样告知，但不用它";
    "analysis_stuck": "camera {}: its analysis does not move" => "摄像机 {}：分析停住了";
    "not_listening": "not listening yet" => "尚未开始接听";
    "of_camera": "camera {}: {}" => "摄像机 {}：{}";
    "of_detector": "detector: {}" => "检测：{}";
    "no_numbers": "calls: no callback numbers are kept: {}" => "热线：不保存回拨号码：{}";
    "of_calls": "calls: {}" => "热线：{}";
    "of_outbox": "outbox: {}" => "待发队列：{}";
    // Requests
    "no_camera": "this box has no camera {}" => "盒子上没有摄像机 {}";
    "nobody_looks": "no rule in force looks for {}, so nothing is known of it in the last hour" => "没有规则在看 {}，最近一小时没有这方面的记录";
    "nothing_seen": "camera {} has seen nothing in the time asked for" => "摄像机 {} 在这段时间没有看到什么";
    "slow_disk": "the last hour was not read within {} s: see whether the disk of this box hangs" => "{} 秒内没读完最近一小时：请查看盒子的磁盘";
    "clips_busy": "other clips are being made; ask again later" => "正在制作其他片段；请稍后再调取";
    "no_recording": "this box holds no recording of call {}; it may have expired" => "盒子上没有通话 {} 的录音；可能已过期";
    "no_calls": "this box takes no calls" => "盒子不接热线";
    "configuration_size": "the configuration in force has {} bytes, more than a message holds" => "现用配置有 {} 字节，超过一条消息的容量";
    "configuration_busy": "another configuration is being applied; send it again later" => "正在启用另一份配置；请稍后再下发";
    "made_from": "it was made from version {}, and {} is in force: see what has changed, and make it anew" => "它基于版本 {}，现用的是 {}：请看改了什么，再重新编辑";
    "not_newer": "version {} is not newer than {}, which is in force" => "版本 {} 不比现用的 {} 新";
    "calls_in_progress": "a change of [calls] would cut {} calls in progress; send it again when they are over" => "改动 [calls] 会中断 {} 个通话；请在通话结束后再下发";
    "undone": "undone, version {} is in force again: {}" => "已撤回，版本 {} 重新启用：{}";
    "not_kept": "it cannot be kept: {}" => "保存不了：{}";
    "file_refused": "configuration: the file was read anew and not taken: {}" => "配置：重读文件未被接受：{}";
    "file_partly": "configuration: the file is in force, but for {}, at the next start only" => "配置：文件已启用，但 {} 到下次启动才生效";
    // What was lost
    "recording_deleted_model": "the recording was deleted before a speech model came" => "录音在语音模型到来前已删除";
    "recording_deleted": "the recording was deleted before it was transcribed" => "录音在转写前已删除";
    "sound_lost": "the sound of this call is lost" => "这通电话的声音丢失了";
    "evidence_down": "its {} was lost when the box went down: {}" => "盒子停机时丢失了它的 {}：{}";
    "evidence_failed": "its {} could not be made: {}" => "它的 {} 制作失败：{}";
    "evidence_lost": "{} is lost: {}" => "{} 丢失：{}";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A box's sentence with another one in it; what is not known stays as it came.
    #[test]
    fn boxes_are_understood() {
        let zh = |text| reason(text).map(|known| known.zh);
        assert_eq!(
            zh("undone, version 7 is in force again: camera gate: no picture for 12 s").as_deref(),
            Some("已撤回，版本 7 重新启用：摄像机 gate：12 秒没有画面")
        );
        assert_eq!(
            zh("the main stream is not there (cannot connect to the camera): evidence is made of the sub stream").as_deref(),
            Some("主码流不在（连接不上摄像机）：证据取自子码流")
        );
        assert_eq!(zh("dark"), None);
    }
}
