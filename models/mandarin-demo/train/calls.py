"""Eight telephone calls to try the recogniser with: left the caller, right the operator, 8 kHz.

    python calls.py FOLDER      writes call-N.wav and call-N.json (leg, start_ms, end_ms, text)

The voices are unlike those of the training; stock phrases such as 您好请讲 are in its text too.
"""

import json
import pathlib
import sys
import wave

import numpy as np

import speak

SEED = 99
# A turn: whose, and the parts of what is said. C caller, O operator.
CALLS = [
    [("O", "您好青梧县市民热线请讲"), ("C", "你们快来|我家厨房烧起来了"), ("O", "请问您现在的位置"), ("C", "北塘社区三号楼二单元五零二"),
     ("O", "里面还有其他人吗"), ("C", "我奶奶还在楼上"), ("O", "消防车马上出发|请您不要坐电梯")],
    [("O", "您好这里是市民热线"), ("C", "喂|凤鸣路菜市场旁边煤气味很大"), ("O", "请您先离开那里|不要着急"), ("C", "我就在路口|有人头晕了"),
     ("O", "请不要开灯也不要打电话|我已经通知燃气公司")],
    [("O", "您好请讲"), ("C", "南桥头有个女的要跳河"), ("O", "她身边有没有人"), ("C", "没有|她一个人站在栏杆外面"), ("O", "请您陪着她说话|民警马上就到"),
     ("C", "好的|你们快一点")],
    [("O", "您好青梧县市民热线"), ("C", "我爷爷走丢了|早上八点从家里出去的"), ("O", "老人多大年纪|穿什么衣服"), ("C", "七十六岁|穿黑色外套"),
     ("O", "您的电话是多少"), ("C", "幺三八九零二五七六四三"), ("O", "网格员会联系您")],
    [("O", "您好请问有什么可以帮您"), ("C", "我要投诉|楼上半夜装修吵得没法睡觉"), ("O", "请问您住在哪个小区"), ("C", "西园社区第三网格|七号楼"),
     ("O", "这个情况已经记录了|明天会有人给您回电话"), ("C", "谢谢你")],
    [("O", "您好市民热线"), ("C", "青梧大道货车撞了公交车|好几个人受伤"), ("O", "具体在什么地方"), ("C", "在汽车站对面的十字路口"),
     ("O", "有没有人被困在车里"), ("C", "司机卡住了出不来"), ("O", "救护车已经在路上了|请您保护好自己")],
    [("O", "您好请讲"), ("C", "请问老年证到哪里办"), ("O", "请您带好身份证到社区办理"), ("C", "星期天上班吗"), ("O", "星期天不上班|星期一上午九点开始"),
     ("C", "好的我知道了|再见"), ("O", "感谢您的来电再见")],
    [("O", "您好青梧县市民热线"), ("C", "下雨以后路上全是水|滨河公园的桥被淹了"), ("O", "有没有人掉到水里"), ("C", "有一辆车泡在水里|里面有两个人"),
     ("O", "请您不要靠近|救人的马上就到"), ("C", "电线也掉下来了|会不会漏电"), ("O", "请让大家离开那里")],
]  # fmt: skip
LEGS = {"C": "caller", "O": "operator"}


def record(random, turns):
    """Two channels at 8 kHz and who says what when."""
    voices = dict(zip("CO", random.choice(speak.UNSEEN_VOICES, 2, replace=False)))
    manners = {leg: (random.choice(speak.UNSEEN_SPEEDS), random.choice(speak.UNSEEN_PITCHES)) for leg in "CO"}
    placed, said, at = [], [], speak.RATE
    for leg, words in turns:
        parts = words.split("|")
        sound = speak.say(parts, voices[leg], *manners[leg])
        placed.append((leg, at, sound))
        said.append({"leg": LEGS[leg], "start_ms": at * 1000 // speak.RATE, "end_ms": (at + len(sound)) * 1000 // speak.RATE, "text": "，".join(parts)})
        at += len(sound) + int(random.uniform(0.5, 1.0) * speak.RATE)
    channels = []
    for leg, ratio_db in (("C", 20), ("O", 35)):
        samples = np.zeros(at + speak.RATE)
        for owner, start, sound in placed:
            if owner == leg:
                samples[start : start + len(sound)] = sound
        channels.append(speak.telephone(random, speak.with_noise(random, samples, ratio_db)))
    return np.stack(channels, 1), said


def main(folder):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(SEED)
    for number, turns in enumerate(CALLS, 1):
        samples, said = record(random, turns)
        with wave.open(str(folder / f"call-{number}.wav"), "wb") as out:
            out.setparams((2, 2, speak.LINE_RATE, 0, "NONE", ""))
            out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        (folder / f"call-{number}.json").write_text(json.dumps(said, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
