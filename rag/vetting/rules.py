"""What instructions to a language model look like, in English and in markup.

A pattern is looked for only where one of its triggers occurs, which a set of words tells far
faster. All patterns are matched against folded text (``rag.vetting.readings``) and
have bounded repetitions only, so that time stays linear in the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag.vetting.readings import STEM, Reading, plain_letters

# Possessive, so that a word is never cut into two.
_BETWEEN = r"(?:[^\w.!?]{1,8}+)"
_GAP = r"(?:[^\w.!?]{1,8}+[\w'’]{1,24}+)"


@dataclass(frozen=True, slots=True)
class Rule:
    """``pattern`` in a text is a sign of ``reason``.

    It cannot be there unless a word begins with one of ``stems``, or one of ``marks`` occurs.
    """

    reason: str
    stems: frozenset[str]
    marks: tuple[str, ...]
    pattern: re.Pattern[str]

    def may_match(self, reading: Reading) -> bool:
        """Tell whether the pattern is worth looking for."""
        if not self.stems.isdisjoint(reading.stems):
            return True
        return any(mark in reading.text for mark in self.marks)


def rule(reason: str, triggers: str, *parts: str) -> Rule:
    """Make a rule of triggers that ``|`` divides, words or other marks, and of patterns.

    In a pattern ``~n`` stands for up to n words, and a space for anything between words.
    """
    listed = plain_letters(triggers).split("|")
    words = frozenset(t[:STEM] for t in listed if t.isascii() and t.isalnum())
    marks = tuple(t for t in listed if not (t.isascii() and t.isalnum()))
    spelled = plain_letters("|".join(f"(?:{part})" for part in parts))
    spelled = re.sub(r"~(\d)", lambda m: f"{_GAP}{{0,{m[1]}}}?", spelled)
    return Rule(reason, words, marks, re.compile(spelled.replace(" ", _BETWEEN)))


OVERRIDE = "asks to drop other instructions"
ROLE = "gives the reader another role"
MARKUP = "has a chat template's marks"
TOOL = "calls a tool"
STEER = "says what to answer"
ADDRESS = "speaks to a language model"
LEAK = "asks for what is secret or sends it away"
HIDDEN = "has text that readers do not see"

_DROP = (
    r"\b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass|discard|neglect|dismiss|"
    r"abandon|set aside|throw out|pay no attention to|"
    r"(?:do not|don['’]?t|stop|cease|never) (?:follow|obey|listen to|comply with|adhere to)"
    r"(?:ing)?)"
)
_ORDERS = (
    r"(?:instructions?|directives?|directions|prompts?|guidelines?|guardrails|commands?|constraints|"
    r"restrictions|programming|system messages?|context|conversation|rules)\b"
)
_MODEL = (
    r"(?:ais?|llms?|(?:large )?language models?|chatbots?|chatgpt|gpt-?\d?|copilot|"
    r"artificial intelligences?|(?:virtual|helpful|digital|automated) (?:assistants?|models?|"
    r"agents?|systems?|summari[sz]ers?|readers?))\b"
)
_MODEL_WORDS = (
    "ai|ais|llm|llms|language|chatbot|chatgpt|gpt|copilot|virtual|helpful|digital|artificial|"
    "automated"
)
_LIMITS = r"(?:rules|ethics|restrictions?|limits?|limitations?|filters?|guidelines|morals)\b"
_REPLY = r"(?:answer|response|reply|output|summary)\b"
_BEFORE = r"(?:previous|prior|above|preceding|earlier|foregoing|former|existing|initial|past)"
_SAY = r"(?:answer|respond|reply|output)"
_SAY_MORE = r"(?:answer|respond|reply|output|say|state|print|return|claim|insist|assert|tell)"
_SHOWN = r"(?:passages?|documents?|sources?|context|search results?|excerpts?|snippets?)\b"

RULES: tuple[Rule, ...] = (
    rule(
        OVERRIDE,
        "ignore|disregard|forget|override|bypass|discard|neglect|dismiss|abandon|aside|throw|"
        "attention|follow|obey|obeying|listen|comply|adhere",
        rf"{_DROP}~4 (?:{_BEFORE}|your|system|all|any|every|other|these|those)~3 {_ORDERS}",
        rf"{_DROP}~2 (?:the )?(?:above|system prompt|system message)\b",
        rf"{_DROP}~3 (?:instructions?|prompts?|directives?|guidelines)"
        r"~3 (?:above|before|previously|given|user|developer|system)\b",
        rf"{_DROP}~3 (?:everything|anything|all|what|whatever)~2 (?:told|said|instructed|"
        r"taught|given|written|read)~3 (?:before|above|previously|so far|until now|earlier)\b",
    ),
    rule(
        OVERRIDE,
        "instruction|guideline|directive|prompt|rules|programming|execute|obey|comply|commands",
        r"\b(?:your~2 (?:instructions?|guidelines?|directives?|prompt|rules|programming)|"
        rf"{_BEFORE} (?:instructions?|directives?|prompts?))~3 (?:are|is|were|no longer|have|"
        r"has|do not)~3 (?:void|null|cancell?ed|obsolete|superseded|invalid|revoked|apply|valid|"
        r"replaced|lifted|suspended|effect)\b",
        rf"\b(?:instructions?|directives?|prompts?) {_BEFORE} (?:are|is|no longer|have been)~2"
        r" (?:void|null|cancell?ed|obsolete|superseded|invalid|revoked|apply|valid|replaced)\b",
        r"\bnew (?:system )?(?:instructions?|directives?|prompt)\s{0,3}:",
        r"\bfollow (?:only )?(?:these|the following|my|the new) (?:new )?(?:instructions|commands|"
        r"directives|prompt) (?:instead|only|now)\b",
        r"\b(?:obey|execute|comply with) (?:only )?(?:the |these |this )?(?:following|text below|"
        r"instructions?|commands? below|request below)\b",
    ),
    rule(
        OVERRIDE,
        "whatever|everything|nothing|anything|rules|never|new|cancel|abort|current|withdrawn|"
        "withdrew|revoked|cancelled|canceled|lifted|replaced|suspended|slate",
        r"\b(?:whatever|everything|nothing|anything|all (?:rules|orders|of it))\b~5 (?:you were|"
        r"you have been|you['’]ve been|given to you|the user)\b~8 (?:no longer|matters?|counts?|"
        r"void|lifted|cancell?ed|invalid|applies|apply)\b",
        r"\b(?:withdrawn|withdrew|revoked|cancell?ed|lifted|replaced|suspended|deleted)~1 (?:your|"
        r"all)~2 (?:instructions?|rules|prompt|tasks?|guidelines|orders)\b",
        r"\bnever mind the (?:question|prompt|instructions?|text|context|user|above)\b",
        r"\byour new (?:task|job|goal|objective|role|instructions?|name|mission) (?:is|are|will)\b",
        r"\b(?:cancel|stop|abort|abandon|end) (?:the|your) (?:current|present|original|previous)"
        r" (?:task|request|question|job|conversation|instructions?)\b",
    ),
    rule(
        ROLE,
        "name|imagine|part|model|ai|chatbot|bot|robot|assistant|remainder|rest|onwards|onward",
        r"\byour name is now\b",
        rf"\b(?:imagine|suppose) (?:that )?you (?:are|were)~3 (?:{_MODEL}|models?|bot|robot)\b",
        r"\b(?:models?|ai|chatbot|bot|robot|assistant)\b~4 (?:without|no|has no|ignores)"
        rf" (?:any )?{_LIMITS}",
        r"\bfor the (?:rest|remainder) of (?:this|our|the) (?:conversation|chat|dialogue)\b",
        r"\byou(?: are|['’]re)~6 from (?:here|now) onwards?\b",
    ),
    rule(
        TOOL,
        "tool|invoke",
        r"```tool",
        r"<invoke\b",
        r"\buse (?:the|your) (?:browser|search|e-?mail|mail|shell|terminal|code|web) tool\b",
    ),
    rule(
        STEER,
        "final|correct|always|regardless|matter|whatever|told|informed",
        r"\b(?:final|only|correct) answer (?:has to|must|should|shall|will) be\b",
        r"\bthe (?:response|answer|reply) (?:is|must be|should be) always\b",
        r"\bmust be (?:told|answered|informed) that\b",
        r"\b(?:regardless of|no matter) what\b~4 (?:passages?|documents?|sources?|question|user|"
        r"asks?|asked)\b",
        r"\bwhatever (?:else )?(?:you read|the (?:question|user|documents?|passages?)|other"
        r" (?:documents?|passages?|sources?))\b",
    ),
    rule(
        STEER,
        "nothing",
        rf"\b{_SAY_MORE}\b[^.!?\n]{{1,60}}? and nothing else\b",
    ),
    rule(
        STEER,
        "answer|answers|response|reply|output|summary",
        rf"\b(?:finish|end|begin|start|open|close|conclude) (?:your|each|every) {_REPLY}",
        r"\b(?:include|mention|state|say|add|insert|put|leave out|omit|write)\b~5 (?:in|into)"
        rf" (?:your|the|any) {_REPLY}",
        rf"\bto the (?:end|start|beginning|top) of (?:the|your|every|each) {_REPLY}",
    ),
    rule(
        STEER,
        "answer|reply|respond|insist|claim|conclude",
        r"(?:[.!?:\n]\s{1,3}|^)(?:just |simply |please |then |now |kindly |so )?(?:conclude|answer|"
        r"reply|respond|insist|claim) (?:that|with the|with|by saying)\b",
        r"(?:[.!?:\n]\s{1,3}|^)(?:just|simply|please|kindly) (?:reply|answer|respond|claim)"
        r" (?:that|with)\b",
    ),
    rule(
        STEER,
        "passage|document|source|text|page",
        r"\bthis (?:passage|document|text|source|page) is the only (?:trustworthy|reliable|correct|"
        r"true|valid|authoritative|official)\b",
        r"\b(?:every|all|the) other (?:passages?|documents?|sources?)~2 (?:is|are|contains?|lies?)"
        r"~2 (?:errors|wrong|false|fake|lies|lie|outdated|untrue|forged|malicious)\b",
    ),
    rule(
        ADDRESS,
        f"{_MODEL_WORDS}|assistant|model|summarizer|summariser",
        r"\b(?:ai|llm|automated|artificial intelligence|machine) (?:reviewers?|agents?|assistants?|"
        r"readers?|models?|systems?|summari[sz]ers?|tools?|bots?)\s{0,2}:",
        r"(?:^|[.!?\n]\s{0,3})(?:assistant|ai|chatgpt|model|bot|llm)\s{0,2},(?: please)? (?:do|say|"
        r"answer|ignore|tell|reply|write|give|stop|forget|output|follow|repeat|print)\b",
        rf"\b{_MODEL} (?:must|should|shall|are to|is to)(?: always| never| only)? (?:describe|"
        r"present|portray|praise|prefer|call|give|rate|mark|rank|cite|trust)\b",
        rf"\b(?:to|for) (?:all|any|every) {_MODEL}",
    ),
    rule(
        LEAK,
        "prompt|instructions|messages|user|users",
        r"\b(?:your|its) (?:system|hidden|initial|original) prompt\b",
        r"\binstructions (?:that |which )?you(?: have been|['’]ve been| were| are| got) ?(?:given|"
        r"told|sent|shown)?\b",
        r"\b(?:list|quote|copy|repeat|show|print)~3 (?:confidential|hidden|secret|system)"
        r" (?:messages?|text|lines?|instructions?|notes?)\b",
        r"\b(?:forward|send|e-?mail|post|upload)~4 users?\b~5 to [\w.+-]{1,40}@",
    ),
    rule(
        ROLE,
        f"{_MODEL_WORDS}|dan|unrestricted|uncensored|unfiltered|jailbroken|bound|assistant|bot|"
        "mode|filters|safety|guidelines|restrictions|policy|policies|checks",
        rf"\byou(?: are|['’]re) (?:now|no longer|hereby)~4 (?:{_MODEL}|dan\b|unrestricted|"
        r"uncensored|unfiltered|jailbroken|bound by|an assistant|assistant|a bot|in \w{3,14} mode)",
        r"\b(?:act|behave|respond|answer|speak|pretend|pose|operate|simulate|role-?play)"
        r" (?:as|like|to be|that you are|you are|you['’]re)(?: if you (?:are|were))?~3"
        rf" (?:{_MODEL}|dan\b|unrestricted|uncensored|unfiltered|jailbroken)",
        r"\b(?:assume|adopt|take on|play) the (?:role|identity|persona) of~4"
        rf" (?:{_MODEL}|bot\b)",
        r"\b(?:jailbreak|god|dan|unrestricted|sudo) mode\b",
        r"\bdeveloper mode~6 (?:filters?|ai|restrictions?|safety|answers?|responses?|output)\b",
        r"\b(?:disable|turn off|remove|without any|no|bypass)~2 (?:content|safety) (?:filters?|"
        r"guidelines|restrictions|polic(?:y|ies)|checks)\b",
    ),
    rule(
        ROLE,
        "respond|answer|reply|output|speak|obey|ignore|refuse|pretend|henceforth",
        r"\b(?:from (?:now|this (?:point|moment)|here)(?: on(?:wards?)?| forward)|henceforth)~2"
        r" (?:you (?:will|must|shall|should|are to|can) (?:only |always |never )?)?"
        r"(?:respond|answer|reply|output|obey|ignore|refuse|pretend|speak (?:as|like|only|in))\b",
    ),
    rule(
        MARKUP,
        "<|#|inst]|system|assistant|admin|developer",
        r"<\|[^|<>\n]{1,40}\|>",
        r"\[/?inst\]|<</?sys>>",
        r"\[/?(?:end |begin |start )?(?:system|assistant|admin|developer)(?: message| prompt| note|"
        r" override)?\]",
        r"</?(?:start_of_turn|end_of_turn|system|assistant|human|instructions?|tool_call|"
        r"function_calls?|tool_use|passage|documents?|context|prompt|system_prompt)\b[^<>]{0,60}>",
        r"#{2,6}\s{0,3}(?:system|assistant|human)\b",
        r"#{2,6}\s{0,3}(?:instruction|response|input)\s{0,2}:",
    ),
    rule(
        MARKUP,
        "system|developer|assistant|human|user|role",
        r"\b(?:system|developer) (?:prompt|message|instruction|override|notice|role)\s{0,2}:",
        r"(?:^|[\n.!?>)\]\"”]\s{0,4})(?:system|assistant)\s{0,2}:~8 (?:respond|answer|reply|say|"
        r"ignore|output|you (?:are|must|will|should|shall)|user|instructions?|obey|tell)\b",
        r"\b(?:user|human)\s{0,2}:(?s:.){0,300}?\b(?:assistant|ai|model|bot)\s{0,2}:",
        r"[\"']role[\"']\s{0,3}:\s{0,3}[\"'](?:system|assistant|developer)[\"']",
    ),
    rule(
        TOOL,
        '"argum|"args|"param|"input|"action_input|"tool_input|"kwargs|\'argum|\'param',
        r"[\"'](?:name|tool|tool_name|function|function_name|action|recipient_name)[\"']\s{0,3}:"
        r"\s{0,3}[\"'][\w.\-]{1,64}[\"']\s{0,3},\s{0,9}[\"'](?:arguments|args|parameters|params|"
        r"input|action_input|tool_input|kwargs)[\"']\s{0,3}:",
    ),
    rule(
        TOOL,
        "action|function|tool|tools|plugin|api",
        r"\baction\s{0,2}:[^\n:]{1,40}\s{1,3}action input\s{0,2}:",
        r"\b(?:call|invoke|use|run|execute|trigger) (?:the |your )?(?:\w{1,20} )?(?:function|tool|"
        r"plugin|api)[^\w.!?]{1,4}\w{1,30}_\w",
    ),
    rule(
        STEER,
        "asked|user|users|queried|prompted|question|query|queries|request",
        r"\b(?:when|whenever|if|once)\b~3 (?:asked|queried|prompted|questioned)[^.!?\n]{0,120}?,"
        r" ?(?:(?:always|only|simply|just|please|then|you (?:must|should|will|shall)) ){0,3}"
        rf"{_SAY_MORE}(?: (?:them|him|her|people))? (?:with|that|by|only|exactly)\b",
        r"\b(?:when|whenever|if|once)\b~2 users?~1 (?:asks?|wants|requests?|inquires?|types)\b~9"
        rf" (?<!to[^\w]){_SAY_MORE}\b",
        r"(?<!to[^\w])\b(?:answer|respond to|reply to) (?:this|the|any|every|each|all)(?: of)?"
        r"(?: the)?(?: following)?(?: users?['’]?s?)?~1 (?:questions?|quer(?:y|ies)|prompts?|"
        r"requests?)~3 (?:with|by|as|using|that)\b",
        r"\btell(?:ing)? (?:the |every |all )?users? (?:that|to|about|it|they|there)\b",
        r"\b(?:recommend|promote|praise|endorse)\b~5 to (?:the|every|all) users?\b",
    ),
    rule(
        STEER,
        "answer|respond|reply|output|print",
        rf"\b(?:always|only|must|please|simply) {_SAY} (?:only |exactly )?(?:with|that|by saying|"
        r"using only)\b",
        rf"\b{_SAY} (?:only|solely|exclusively|exactly|nothing but|verbatim)(?: with)?"
        r" (?:with|the|this|by|in|using|what)\b",
        r"\b(?:output|print|reply with|respond with|answer with|write) (?:only )?(?:the following"
        r" (?:text|sentence|phrase|string|words?|answer|line)|the (?:exact )?(?:word|words|phrase|"
        r"sentence|string)\b)",
        r"\bthe (?:only|final|single) (?:correct |right |true |valid |possible )?answer to (?:this|"
        r"the user['’]?s?|your) (?:question|query)~1 (?:is|must|should|will)\b",
        r"\bin (?:your|every|each) (?:answer|response|reply|output)s?\b(?! to\b)",
    ),
    rule(
        STEER,
        "passage|document|source|context|search|excerpt|snippet|page|text|site|result",
        r"\b(?:do not|don['’]?t|never|without) (?:mention|use|cite|quote|consult|consider|refer to|"
        r"rely on|trust|read|include)(?:ing)?(?: any| the| all| these| those)?"
        rf" (?:other|previous|above|remaining|rest of the|retrieved|preceding)~1 {_SHOWN}",
        r"\b(?:ignore|disregard|discard|distrust)\b~2 (?:other|previous|above|remaining|"
        rf"retrieved|preceding|rest)~2 {_SHOWN}",
        r"\brely (?:only |solely |exclusively )?on this (?:passage|document|source|text|page)\b",
        r"\b(?:use|trust|quote|cite|prefer|believe) (?:only |solely )?this (?:passage|document|"
        r"source) (?:only|alone|instead|over|above|verbatim)\b",
        r"\brank this (?:document|passage|page|source|result|site)\b",
        r"\btreat this (?:passage|document|source|page|text) as\b",
        r"\bthis (?:passage|document|source) (?:overrides|supersedes|takes precedence)\b",
    ),
    rule(
        ADDRESS,
        f"{_MODEL_WORDS}|assistant|model|agent|bot",
        r"\b(?:notes?|message|instructions?|attention|notice|memo|reminder|warning|command)"
        rf"(?: to| for)?(?: the| any| all| every)?(?: reading)? {_MODEL}",
        rf"\b(?:hey|hello|hi|dear|listen)(?: there)? {_MODEL}",
        r"\bif you(?: are|['’]re)(?: an?| the| reading this as an?)? (?:\w{1,20} )?"
        rf"(?:{_MODEL}|bot\b)",
        rf"\bas an? (?:\w{{1,20}} )?{_MODEL}~3 (?:you|your)\b",
        rf"\b{_MODEL}~3 (?:must|should|shall|has to|have to|is to|are to|will|please|required"
        r" to)"
        r" (?:always |only |never |now |not |also )?(?:answer|respond|reply|say|state|output|"
        r"recommend|ignore|mention|treat|cite|quote|include|report|rank|claim|insist|conclude)\b",
        r"\b(?:ai|llm|model|assistant|chatbot|agent|gpt) (?:instruction|directive|command|override|"
        r"notice|note)s?\s{0,2}:",
        r"\bthe (?:model|assistant) (?:must|should|shall|is to|will now) (?:always |only |never )?"
        rf"{_SAY_MORE}\b",
    ),
    rule(
        LEAK,
        "prompt|instructions|message|api|history|log|guidelines|configuration",
        r"\b(?:reveal|repeat|print|show|output|display|leak|disclose|expose|tell me|give me|share|"
        r"dump|recite|translate|write out)~4 (?:system prompt|system message|developer message|"
        r"(?:your|hidden|secret|internal|confidential)(?: \w{1,20})? (?:instructions?|prompts?|"
        r"guidelines|configuration)|api keys?|(?:conversation|chat) (?:history|log))",
    ),
    rule(
        LEAK,
        "send|post|forward|transmit|upload|email|mail|exfiltrate|append|attach|submit|leak",
        r"\b(?:send|post|forward|transmit|upload|e-?mail|exfiltrate|append|attach|submit|leak)~6"
        r" (?:conversation|chat history|chat log|users?['’]?s? (?:question|query|data|input|"
        r"message|prompt)|system prompt|api keys?|credentials|passwords?|secrets?|personal data)~8"
        r" (?:https?|www|url|link|webhook|endpoint|server|to \w{1,40}@)",
    ),
    rule(
        LEAK,
        "http|https",
        r"!\[[^\]\n]{0,200}\]\(\s{0,3}https?://[^\s)]{1,300}[?{]",
        r"https?://[^\s\"'<>)]{1,300}[?&/=](?:\{|\[|<|%7b|\$\{|\$\()",
        r"https?://[^\s\"'<>)?]{1,200}\?[\w=&-]{0,60}=(?![^\s\"')\]])",
    ),
    rule(
        HIDDEN,
        "display|visibility|font|opacity|color|indent|comment|left|<!--|[//]",
        r"<!--",
        r"[;\"'{]\s{0,3}(?:display\s{0,3}:\s{0,3}none|visibility\s{0,3}:\s{0,3}hidden|"
        r"font-size\s{0,3}:\s{0,3}0(?![.\d])|opacity\s{0,3}:\s{0,3}0(?![.\d])|"
        r"color\s{0,3}:\s{0,3}(?:white|#fff)|(?:text-indent|left|top)\s{0,3}:\s{0,3}-\d\d\d)",
        r"\[(?://|comment)\]:",
    ),
)
