"""Sentences of hotline talk with their pinyin, for training and for the test."""

import random

import pypinyin
from pypinyin.contrib.tone_convert import to_tone3

import phrases as P

# Where the dictionary's first reading is not what is said here.
READINGS = {
    "着火": "zhao2 huo3", "烧着": "shao1 zhao2", "着大火": "zhao2 da4 huo3", "还在": "hai2 zai4", "还是": "hai2 shi4", "还有": "hai2 you3",
    "还没": "hai2 mei2", "喘不上": "chuan3 bu5 shang4", "说要": "shuo1 yao4", "都是": "dou1 shi4", "都有": "dou1 you3", "都不": "dou1 bu4",
    "都死": "dou1 si3", "觉得": "jue2 de5", "睡觉": "shui4 jiao4", "疼得": "teng2 de5", "涨得": "zhang3 de5", "下得": "xia4 de5",
    "响得": "xiang3 de5", "堆得": "dui1 de5", "看得": "kan4 de5", "得到": "de2 dao4", "没法": "mei2 fa3", "泡在": "pao4 zai4",
    "打不通": "da3 bu5 tong1", "卡住": "qia3 zhu4", "卡在": "qia3 zai4", "号码": "hao4 ma3", "几号": "ji3 hao4", "多大": "duo1 da4",
    "的地方": "de5 di4 fang5", "只": "zhi3", "得": "de5", "了": "le5", "地上": "di4 shang4", "着": "zhe5", "长": "chang2", "幺": "yao1",
    "行": "xing2", "重复": "chong2 fu4", "便宜": "pian2 yi5", "压着": "ya1 zhe5", "不管": "bu4 guan3", "差": "cha4", "谁": "shei2",
    "一月": "yi1 yue4", "一氧": "yi1 yang3", "星期一": "xing1 qi1 yi1", "嗯": "en5", "喂": "wei4", "哎": "ai1", "啊": "a5", "了解": "liao3 jie3",
    "银行": "yin2 hang2", "着急": "zhao2 ji2", "炸": "zha4", "还": "hai2", "干净": "gan1 jing4", "给": "gei3", "供电": "gong1 dian4",
}  # fmt: skip
pypinyin.load_phrases_dict({w: [[s] for s in r.split()] for w, r in READINGS.items() if len(w) > 1})
pypinyin.load_single_dict({ord(w): r for w, r in READINGS.items() if len(w) == 1})


ALARM_CLAUSES = [clause for clauses in P.ALARMS.values() for clause in clauses]


def pinyin(sentence):
    """One numbered syllable a character: 'zhao2 huo3 le5'. Sandhi of 不 and 一 is done here, of third tones by espeak."""
    syllables = pypinyin.lazy_pinyin(sentence, style=pypinyin.Style.TONE3, neutral_tone_with_five=True)
    syllables = [to_tone3(s, neutral_tone_with_five=True).replace("ü", "v") for s in syllables]
    assert len(syllables) == len(sentence), sentence
    return sandhi(sentence, syllables)


def sandhi(sentence, syllables):
    """不 before a fourth tone rises; 一 rises before a fourth tone and falls before others, unless it is a digit."""
    changed = list(syllables)
    for i, character in enumerate(sentence[:-1]):
        counting = sentence[i + 1] in P.DIGITS + "十月单号楼百幺" or (i and sentence[i - 1] in P.DIGITS + "第期十幺")
        fourth = syllables[i + 1][-1] == "4"
        if character == "不" and fourth:
            changed[i] = "bu2"
        elif character == "一" and not counting:
            changed[i] = "yi2" if fourth else "yi4"
    return changed


def vocabulary():
    """Every character that can be asked for, in code order."""
    held = [P.COMMUNITIES, P.POINTS, P.NEAR, P.INSIDE, P.MONTHS, P.DAY_TIMES, P.SINCE, P.SURNAMES, P.NAMES, P.TITLES, P.PEOPLE,
            P.COMPLAINTS, P.ENQUIRIES, P.OPENINGS, P.URGINGS, P.FACTS, P.OPERATOR, P.UNITS, P.WORDS, *P.ALARMS.values()]
    text = "".join("".join(group) for group in held) + P.DIGITS + "两十百幺第网格号楼单元室点分半岁"
    return sorted({c for c in text if "\u4e00" <= c <= "\u9fff"})


class Writer:
    """Writes sentences; the same seed writes the same ones."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.hands = {}

    def pick(self, group):
        return self.random.choice(group)

    def deal(self, phrases):
        """Like cards from a hand, so that every phrase comes up as often as its neighbours."""
        hand = self.hands.setdefault(id(phrases), [])
        if not hand:
            hand.extend(self.random.sample(phrases, len(phrases)))
        return hand.pop()

    def spoken(self, number):
        """0 to 199 in words."""
        if number >= 100:
            rest = number - 100
            return "一百" + ("零" + P.DIGITS[rest] if 0 < rest < 10 else self.spoken(rest) if rest else "")
        tens, ones = divmod(number, 10)
        if not tens:
            return P.DIGITS[ones]
        return ("" if tens == 1 else P.DIGITS[tens]) + "十" + (P.DIGITS[ones] if ones else "")

    def digits(self, length, one="幺"):
        return "".join(self.pick(P.DIGITS) for _ in range(length)).replace("一", one)

    def phone(self):
        return self.pick("幺") + self.pick("三五七八九") + self.digits(self.pick([5, 9, 9, 9]))

    def house(self):
        room = self.pick("一二三四五六七八九") + "零" + self.pick("一二三四五六")
        parts = [self.spoken(self.random.randint(1, 30)) + self.pick(["号楼", "号楼", "号"]), self.pick("一二三四五六") + "单元",
                 self.pick([room, room + "室", self.spoken(self.random.randint(1, 20)) + "楼"])]
        return "".join(parts[: self.random.randint(1, 3)])

    def place(self):
        kind = self.random.random()
        if kind < 0.35:
            return self.pick(P.COMMUNITIES) + self.house()
        if kind < 0.45:
            return self.pick(P.COMMUNITIES) + "第" + self.spoken(self.random.randint(1, 20)) + "网格"
        if kind < 0.55:
            return self.pick(P.COMMUNITIES)
        if kind < 0.65:
            return self.pick(["城关镇", "青梧县", "凤鸣路", "北街", "青梧大道"]) + self.spoken(self.random.randint(1, 199)) + "号"
        if kind < 0.85:
            return self.deal(P.POINTS) + self.deal(P.NEAR)
        return self.deal(P.POINTS)

    def time(self):
        hour = self.pick("一两三四五六七八九") if self.random.random() < 0.7 else self.pick(["十", "十一", "十二"])
        clock = hour + "点" + self.pick(["", "半", "多", "左右", self.spoken(self.random.randint(1, 5) * 10) + "分"])
        return self.pick([self.pick(P.DAY_TIMES) + clock, clock, self.pick(P.DAY_TIMES), self.pick(P.MONTHS) + self.spoken(self.random.randint(1, 30)) + "号"])

    def fill(self, template):
        values = {
            "place": self.place, "phone": self.phone, "time": self.time, "number": lambda: self.digits(self.random.randint(3, 5)),
            "name": lambda: self.pick(P.SURNAMES) + self.pick(P.NAMES),
            "surname": lambda: self.pick(P.SURNAMES), "title": lambda: self.pick(P.TITLES), "people": lambda: self.deal(P.PEOPLE),
            "count": lambda: self.pick(["两", "三", "四", "五", "六", "十", "好几"]), "inside": lambda: self.deal(P.INSIDE),
            "since": lambda: self.pick(P.SINCE), "age": lambda: self.spoken(self.random.randint(3, 99)), "unit": lambda: self.deal(P.UNITS),
            "hour": lambda: self.pick("二三四五六七八九"), "grid": lambda: self.spoken(self.random.randint(1, 20)),
        }
        for name, value in values.items():
            while "{" + name + "}" in template:
                template = template.replace("{" + name + "}", value(), 1)
        return template

    def salad(self):
        """Words without a sentence, so that the network cannot get by on what usually follows."""
        groups = [P.WORDS] * 12 + [ALARM_CLAUSES] * 4 + [P.POINTS, P.COMMUNITIES, P.INSIDE, P.UNITS, P.PEOPLE, P.NEAR, P.COMPLAINTS, P.ENQUIRIES]
        parts = []
        for _ in range(self.random.randint(3, 7)):
            word = self.deal(self.pick(groups))
            if parts and self.random.random() < 0.6:
                parts[-1] += word
            else:
                parts.append(word)
        return parts

    def call(self):
        """A caller's sentence, as the parts between which a speaker may pause."""
        alarm, other = self.deal(ALARM_CLAUSES), self.deal(ALARM_CLAUSES)
        place, people, fact = self.place(), self.deal(P.PEOPLE), self.fill(self.deal(P.FACTS))
        complaint, enquiry = self.deal(P.COMPLAINTS), self.deal(P.ENQUIRIES)
        opening, urging = self.deal(P.OPENINGS), self.deal(P.URGINGS)
        return self.pick([
            [opening, place + alarm], [place + alarm, urging], [alarm, urging], [alarm, other + urging], [place, alarm], [people + alarm, urging],
            ["我在" + place, people + alarm], [opening, people + "在" + place + alarm], [self.deal(P.INSIDE) + alarm, place], [place + self.deal(P.INSIDE) + alarm],
            [opening, alarm, fact], [fact, self.fill(self.deal(P.FACTS))], [fact], [place], [alarm], [alarm, other],
            [opening, place + complaint], ["我们这里" + complaint, urging], [complaint, self.pick(P.SINCE)], [place + complaint], [complaint, urging],
            [opening, enquiry], [enquiry], ["请问" + enquiry], [self.deal(P.UNITS) + enquiry], [self.time() + alarm], [self.time(), complaint],
        ])  # fmt: skip

    def operator(self):
        return [self.fill(self.deal(P.OPERATOR)) for _ in range(self.pick([1, 1, 1, 2]))]

    def training(self):
        """Parts of one utterance."""
        kind = self.random.random()
        if kind < 0.40:
            return self.call()
        if kind < 0.58:
            return self.operator()
        if kind < 0.66:
            return [self.fill(self.pick(["{place}", "{phone}", "{time}", "{number}", "{place}{inside}", "{surname}{title}", "{name}", "我姓{surname}我叫{name}"]))]
        return self.salad()

    def test(self, count):
        """Handwritten sentences and templates that training never sees, in turn."""
        sentences = self.random.sample(P.UNSEEN, len(P.UNSEEN))
        return [[sentences[i // 2 % len(sentences)]] if i % 2 == 0 else [self.fill(self.deal(P.UNSEEN_TEMPLATES))] for i in range(count)]
