"""The classic phrases of injected instructions in other languages, without accents."""

from __future__ import annotations

from rag.vetting.rules import OVERRIDE, ROLE, STEER, Rule, rule

FOREIGN: tuple[Rule, ...] = (
    rule(
        OVERRIDE,
        "ignoriere|missachte|vergiss|vergesst|vergessen|ubergehe|verwirf|beachte",
        r"\b(?:ignorier(?:e|en|t)?|missachte[nt]?|vergiss|vergesst|vergessen sie|ubergeh(?:e|en)|"
        r"verwirf|beachte[nt]?)~5 (?:anweisung(?:en)?|instruktion(?:en)?|befehle?|vorgaben|regeln|"
        r"kontext|eingabeaufforderung|prompts?)\b",
        r"\b(?:vergiss|vergessen sie|vergesst) alles~4 (?:gesagt|vorher|zuvor|bisher|oben)\b",
    ),
    rule(
        ROLE,
        "gefragt|fragt|antwortest|sprichst|assistent|ki|chatbot|bot|modell|sprachmodell|modus|antworte|sprich|schreibe|ia|robot|"
        "modele|mode|asistente|modelo|modo|assistant",
        r"\b(?:du bist|sie sind) (?:jetzt|nun|ab sofort|ab jetzt)~4 (?:assistent|ki|chatbot|bot|"
        r"modell|sprachmodell|modus)\b",
        r"\b(?:ab jetzt|ab sofort|von nun an)~2 (?:antworte|antwortest|antworten sie|sprich|"
        r"sprichst|schreibe?)\b",
        r"\b(?:wenn|falls) (?:du|sie|jemand)\b~5 (?:gefragt|fragt|fragen)\b~2 (?:sage?|antworte|"
        r"behaupte|schreibe?)\b",
        r"\b(?:desormais|maintenant) (?:tu es|vous etes)~3 (?:assistant|ia|chatbot|robot|modele)\b",
        r"\b(?:tu es|vous etes) (?:maintenant|desormais|a present)~4 (?:assistant|ia|chatbot|"
        r"robot|modele|mode)\b",
        r"\b(?:ahora|desde ahora) eres~4 (?:asistente|ia|chatbot|robot|modelo|modo)\b",
        r"\beres ahora~4 (?:asistente|ia|chatbot|robot|modelo|modo)\b",
        r"\b(?:ora sei|sei ora|agora voce e|voce agora e)~4 (?:assistente|ia|chatbot|modello|"
        r"modelo)\b",
    ),
    rule(
        STEER,
        "antworte|reponds|responde|rispondi",
        r"\bantworte(?:n sie|t)? (?:immer |nur |stets |ausschliesslich |einfach |bitte |auf jede"
        r" frage )?(?:nur )?(?:noch )?(?:mit|auf|dass)\b",
        r"\b(?:reponds|repondez) (?:toujours |uniquement |seulement |simplement |a chaque"
        r" question )?(?:par|que|avec)\b",
        r"\b(?:responde|responda) (?:siempre |sempre |solo |so |unicamente |simplemente |apenas )?"
        r"(?:con|com|que)\b",
        r"\brispondi (?:sempre |solo |soltanto |semplicemente )?(?:con|che)\b",
    ),
    rule(
        OVERRIDE,
        "ignore|oublie|neglige|compte|suis|suivez|contourne",
        r"\b(?:ignore[zr]?|oublie[zr]?|neglige[zr]?|ne (?:tiens|tenez) pas compte|ne (?:suis|"
        r"suivez) pas|contourne[zr]?)~5 (?:instructions?|consignes?|directives?|regles|contexte)\b",
        r"\b(?:oublie[zr]?|ignore[zr]?) tout~4 (?:precede|dit|avant|ci-dessus)\b",
    ),
    rule(
        OVERRIDE,
        "ignora|olvida|omiso|hagas|descarta|sigas|omite|esqueca|dimentica|desconsidere|trascura",
        r"\b(?:ignor[ae]|ignorar|olvid[ae]|olvidate|(?:haz|hagan?) caso omiso|no hagas caso|"
        r"descart[ae]|no sigas|omite)~5 (?:instrucciones?|indicaciones|ordenes|directrices|"
        r"reglas|contexto)\b",
        r"\b(?:olvida|olvide|ignora|ignore) (?:todo )?lo que~5 (?:dicho|dijeron|anterior|antes)\b",
        r"\b(?:ignor[aei]|ignorar|esque[cç]a|dimentica|desconsidere|trascura)~5 (?:istruzioni|"
        r"instrucoes|direttive|ordens|regole|regras)\b",
    ),
    rule(
        OVERRIDE,
        "negeer|vergeet|ignorera|glom|zignoruj|pomin|onceki|ignorer|تجاهل",
        r"\b(?:negeer|vergeet)~5 (?:instructies|opdrachten|aanwijzingen|regels)\b",
        r"\b(?:ignorera|glom|ignorer)~5 (?:instruktioner|instrukser|anvisningar|regler)\b",
        r"\b(?:zignoruj|pomin)~5 (?:instrukcje|polecenia|zasady)\b",
        r"\bonceki~3 (?:talimatlar\w{0,4}|komutlar\w{0,4})~3 (?:yok|gormezden|unut)",
        r"تجاهل[^.\n]{0,20}(?:التعليمات|الاوامر|الأوامر)",
    ),
    rule(
        OVERRIDE,
        "忽略|无视|無視|忘记|忘記|忘れ|不要理会|不要遵循|무시|잊어",
        r"(?:忽略|无视|無視|忘记|忘記|不要理会|不要遵循)[^。!?.\n]{0,16}(?:指令|指示|说明|說明|提示|规则|規則|内容|內容|要求|命令|上文|对话)",
        r"(?:指示|命令|指令|プロンプト|ルール|内容)[^。.\n]{0,10}(?:無視|忘れ)",
        r"(?:지시|명령|지침|프롬프트|내용)[^.\n]{0,12}(?:무시|잊)",
    ),
    rule(
        ROLE,
        "你现在是|你現在是|从现在|從現在|你不再|あなたは今|これから",
        r"(?:你现在是|你現在是|你不再是|从现在(?:开始|起)[,,]?你|從現在(?:開始|起)[,,]?你)",
        r"(?:あなたは今|これからあなたは|これから)[^。\n]{0,20}(?:として|です|モード|答え)",
    ),
    rule(
        STEER,
        "回答|回复|回覆|答え|系统提示|系統提示|システムプロンプト|대답|답하",
        r"(?:请|請|必须|必須|总是|總是|只能|一律|直接|始终)(?:只|都)?(?:用|以)?(?:回答|回复|回覆|输出)",
        r"系统提示|系統提示|システムプロンプト",
        r"(?:必ず|常に)[^。\n]{0,20}答え",
    ),
    rule(
        OVERRIDE,
        "инструкци|указани|команд|забудь|правила",
        r"(?:игнорируй(?:те)?|проигнорируй(?:те)?|забудь(?:те)?|не следуй(?:те)?|отбрось(?:те)?)~4"
        r" (?:инструкци\w{1,4}|указани\w{1,3}|команд\w{0,3}|правила|контекст\w{0,2})\b",
        r"забудь(?:те)? (?:все|обо всем)~3 (?:сказан|раньше|ранее|выше|до этого)",
    ),
    rule(
        ROLE,
        "теперь ты|ты теперь|вы теперь|отвечай",
        r"(?:теперь ты|ты теперь|вы теперь)~3 (?:ассистент|помощник|бот|модель|ии)\b",
        r"отвечай(?:те)? (?:всегда |только |лишь )?(?:что|словом|фразой|так)\b",
    ),
)
