/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The sets of patterns that tact brings along, for English, German, French and Spanish. Ordinary mail has
 * prices, code, surnames that are words, and lists of streets: what is looked for is the phrase, never the
 * single word.
 */
#include <config.h>

#include "internal.h"

/* Where a salutation ends: a name may not follow. */
#define END "\\h*+(?:[,:;.!\u2013\u2014-]|$)"

static const char *const generic_salutation[] = {
    /* English: "Dear Sir or Madam", "Dear valued customer", "To whom it may concern" */
    "(?im)^\\h*+(?:"
    "to\\h+whom\\h+(?:it|this)\\h+may\\h+concern"
    "|(?:dear|hello|hi|hey|greetings,?|attention,?|good\\h+(?:morning|afternoon|evening|day),?)\\h+(?:"
    "(?:valued|loyal|esteemed|respected|fellow)\\h+(?:customer|client|member|subscriber|user|reader|guest|"
    "partner|"
    "shopper|patient|supporter|friend|colleague)s?\\b"
    "|(?:(?:sir|madam|ma'?am)s?(?:\\h*(?:or|and|/"
    "|,|&)\\h*(?:sir|madam|ma'?am)s?)?|sirs|ladies\\h+and\\h+gentlemen|"
    "gentlemen|(?:our\\h+)?(?:customer|client|member|subscriber|user|reader|guest|partner|shopper|patient|"
    "supporter|"
    "friend|colleague|homeowner|resident|prospect|applicant|cardholder|policyholder|shareholder|"
    "account\\h+holder|business\\h+owner|property\\h+owner)s?|all|everyone|everybody|there|valued\\h+one)" END
    "))",
    /* German: "Sehr geehrte Damen und Herren", "Liebe Kundin, lieber Kunde"; but not "Sehr geehrter Herr
       Kunde" */
    "(?im)^\\h*+(?:guten\\h+tag,?\\h+|hallo,?\\h+)?(?:"
    "(?:(?:sehr\\h+)?(?:geehrt|verehrt)e[rs]?|liebe[rs]?|werte[rs]?)(?:\\(r\\)|[/:*]r)?\\h+(?:"
    "damen\\h*(?:und|&|/|,)\\h*(?:sehr\\h+geehrte\\h+)?herren|(?:frau|herr|dame)\\h*(?:/"
    "|oder|und)\\h*(?:frau|herr|dame)"
    "|(?:(?:unsere|gesch\u00e4tzte|treue|verehrte|liebe)[rn]?\\h+)?(?:kund|leser|abonnent|nutzer|interessent|"
    "mitglied|"
    "g\u00e4st|gast|besucher|freund|gesch\u00e4ftspartner|patient|versicherungsnehmer|mieter|b\u00fcrger)"
    "(?:e|in|innen|en|nen|er)?(?:[*:_/"
    "(]-?in(?:nen)?\\)?)?)(?:\\h+und\\h+(?:herren|kunden|leser|freunde|g\u00e4ste))?" END
    "|hallo\\h+(?:zusammen|kunde|alle|ihr\\h+lieben)" END "|damen\\h+und\\h+herren" END ")",
    /* French: "Madame, Monsieur", "Ch\u00e8re cliente, cher client", "\u00c0 qui de droit" */
    "(?im)^\\h*+(?:bonjour,?\\h+)?(?:"
    "(?:ch\u00e8re?\\h+)?madame\\h*(?:,|/|ou|et)\\h*(?:cher\\h+)?monsieur" END
    "|(?:cher\\h+)?monsieur\\h*(?:,|/|ou|et)\\h*(?:ch\u00e8re\\h+)?madame" END
    "|mesdames\\h*(?:,|/|et)\\h*messieurs" END "|ch(?:er|\u00e8re|ere)(?:\\(e\\)|[\u00b7.]e)?s?\\h+(?:et\\h+"
    "fid\u00e8les?\\h+)?(?:ami|client|abonn\u00e9|lecteur|"
    "lectrice|membre|adh\u00e9rent|utilisateur|utilisatrice|visiteur|partenaire|soci\u00e9taire|patient|"
    "assur\u00e9|"
    "locataire)(?:e|\\(e\\)|[\u00b7.]e)?s?(?:\\h*[,/]\\h*ch(?:er|\u00e8re)s?\\h+\\p{L}++)?" END
    "|[\u00e0a]\\h+qui\\h+de\\h+droit|(?:[\u00e0a]\\h+tous|[\u00e0a]\\h+toutes\\h+et\\h+[\u00e0a]\\h+"
    "tous)" END ")",
    /* Spanish: "Estimado cliente", "Muy se\u00f1ores m\u00edos", "A quien corresponda" */
    "(?im)^\\h*+(?:hola,?\\h+|buenos\\h+d\u00edas,?\\h+)?(?:"
    "(?:muy\\h+)?(?:estimad|querid|apreciad|distinguid|respetad)[oa]s?(?:\\([oa]s?\\)|/[oa]s?)?\\h+(?:"
    "se\u00f1or(?:es|as?)?(?:\\([a-z]{1,3}\\)|/"
    "\\h*(?:se\u00f1or)?as?)?(?:\\h+(?:o|y|e)\\h+se\u00f1or(?:es|as?)?)?"
    "|(?:client|amig|suscriptor|usuari|lector|soci|miembro|paciente|huésped|colega|abonad|compañer)"
    "(?:[eoa]|as)?s?(?:\\([oa]s?\\)|/[oa]s?)?)" END "|muy\\h+se\u00f1or(?:es|as?)?\\h+m\u00ed[oa]s?" END
    "|a\\h+quien\\h+(?:corresponda|pueda\\h+interesar)"
    "|a\\h+tod[oa]s" END ")",
};

/* A tag is looked for in lines that have a character one begins with, and that are not program text: an
 * element, a back-quote, an assignment, a call, a macro, the end of a statement. */
#define ELEMENT                                                                                              \
	"</"                                                                                                 \
	"?(?:a|b|i|p|h[1-6]|br|em|li|ul|ol|td|th|tr|div|img|pre|span|form|html|body|input|table|style|"      \
	"script|button)\\b"
#define PROSE                                                                                                \
	"(?im)^(?=[^\\n*{%\\[$<]*+[*{%\\[$<])(?!\\h*+\\w++\\h*+[:+]?=\\h*+[{\"'])(?![^\\n]*?(?:`|" ELEMENT   \
	"|[=!]=|=>|:=|=\\h+[{\"']|=[\"']|\\\\[a-z]|;\\h*$|\\{\\h*$|\\w\\(\\)|\\w\\([^)\\n]{0,100}\\)\\h*[;{" \
	"]|\\$\\{\\{))"
#define FIELD                                                                                                \
	"(?:(?:first|last|full|given|family|middle|fore|sur|nick|user|customer|client|recipient|contact|"    \
	"member|"                                                                                            \
	"subscriber|company|business|lead)[ _.-]?names?|f_?name|l_?name|e-?mail(?:[ "                        \
	"_.-]?address)?|salutation|"                                                                         \
	"vorname|nachname|kundenname|anrede|firma|pr\u00e9nom|nom[ _]de[ _]famille|nombre|apellidos?)"
#define HAIL                                                                                                 \
	"(?:dear|hi|hello|hey|hallo|liebe[rs]?|(?:sehr\\h+)?geehrte[rs]?|cher|ch\u00e8re|bonjour|hola|"      \
	"estimad[oa]|querid[oa])"

static const char *const unfilled_merge_tag[] = {
    PROSE
    "[^\\n]*?\\K(?:"
    "\\*\\|[a-z][\\w:.,+ -]{0,60}\\|\\*" /* *|FNAME|* */
    "|\\{\\{\\{?\\h*+[#/"
    "^&>~!]?\\h*+[a-z_][\\w.-]*+(?:\\h[a-z][\\w.-]*+){0,3}\\h*(?:\\|[^\\n{}]{0,80})?~?\\}\\}" /* {{f}} */
    "|\\{%-?\\h*(?:if|unless|else|elsif|elif|endif|endunless|for|endfor|case|when|endcase|assign|set|"
    "capture|include)"
    "\\b[^\\n%]{0,200}%\\}"						   /* {% if f %} */
    "|%%(?:[a-z_][\\w .:-]{0,60}|\\[[^\\n]{0,200}?\\]|=[^\\n]{0,200}?=)%%" /* %%f%% */
    "|(?<![\\w%])%" FIELD "%(?![\\w%])"					   /* %FIRSTNAME% */
    "|\\[\\[(?:(?-i:[a-z])[\\w.]*+|\\h*" FIELD "\\h*)\\]\\]"		   /* [[f]] */
    "|\\$\\{(?:(?-i:[a-z])[\\w.-]*+|" FIELD ")\\}(?![^\\n$]*+\\$(?!\\{))"  /* ${f} */
    "|<%=?\\h*[\\w.@]++\\h*%>"						   /* <%= f %> */
    "|(?<![\\w\\]$])(?:\\[\\h*" FIELD "\\h*\\]|\\{\\h*\\$?" FIELD "\\h*\\}|<<?\\h*" FIELD
    "\\h*>>?)"							  /* [First Name] */
    "|" HAIL "\\h+[\\[{<]\\h*(?:name|nom|titel|title)\\h*[\\]}>]" /* Dear [Name] */
    ")",
};
/* How any of them begins, or ends with a hail. */
#define ANY_TAG                                                                                              \
	"(?i)(?:\\*\\||\\{[{%]|%%|%" FIELD "|\\[\\[|\\$\\{|<[%<]|[\\[{<]\\h*+\\$?(?:" FIELD                  \
	"|name|nom|titel|title))"

static const char *const empty_merge_tag[] = {
    /* The tag was filled, with nothing: "Dear ,", "Hi null,". */
    "(?im)^\\h*+" HAIL "(?:\\h++,|\\h+(?:null|undefined|nan|none|nil|\\(null\\)|f_?name|first[ "
    "_]?name|vorname|pr\u00e9nom)\\h*,)",
};

/* Languages apart for what matched, together to see soon that nothing did. */
#define CURRENCY "[\u00a3$\u20ac]\\h*\\d{1,6}(?:[.,]\\d\\d)?\\h+off\\b"
#define ENGLISH                                                                                              \
	"\\d{1,2}\\h*(?:%|per\\h*cent|percent)\\h+(?:off|discount|cheaper)\\b"                               \
	"|half[ -]price|(?:buy|get)\\h+one,?\\h+(?:and\\h+)?get\\h+(?:one|another)|(?:2|two|3|three)[ "      \
	"-]for[ "                                                                                            \
	"-](?:1|one|2|two|the\\h+price)\\b"                                                                  \
	"|save\\h+(?:up\\h+to\\h+)?(?:[\u00a3$\u20ac]\\h*\\d|\\d+\\h*(?:%|per\\h*cent))"                     \
	"|(?:promo|promotion|promotional|discount|voucher|coupon)\\h+codes?\\b|use\\h+(?:the\\h+)?code\\b|"  \
	"discount\\h+(?:voucher|coupon|offer)s?\\b"                                                          \
	"|(?:special|exclusive|limited(?:[ "                                                                 \
	"-]time)?|introductory|unbeatable|one-time|latest)\\h+(?:offer|deal|discount|price|promotion)s?\\b"  \
	"|(?:offer|sale|deal|promotion)s?\\h+(?:ends?|expires?|is\\h+valid|runs\\h+until|valid\\h+until|"    \
	"now\\h+"                                                                                            \
	"on)\\b"                                                                                             \
	"|(?:summer|winter|spring|autumn|flash|clearance|black\\h+friday|january|christmas|mid-season|end-"  \
	"of-"                                                                                                \
	"season)\\h+(?:sale|deal)s?\\b"                                                                      \
	"|(?:get|enjoy|claim|receive|take|grab|with|for)\\h+(?:an?\\h+|your\\h+|our\\h+|a\\h+further\\h+)?(" \
	"?:\\w+"                                                                                             \
	"\\h+)?(?:discount|voucher|coupon)\\b"                                                               \
	"|free\\h+(?:shipping|delivery|gift|trial|sample)\\b|(?:buy|order|shop|book|upgrade)\\h+(?:now|"     \
	"today)\\b"                                                                                          \
	"|while\\h+stocks?\\h+lasts?|for\\h+a\\h+limited\\h+time|don'?t\\h+miss\\h+(?:out|this)|act\\h+(?:"  \
	"now|"                                                                                               \
	"fast)\\b|money[ -]back\\h+guarantee"
#define GERMAN                                                                                               \
	"\\d{1,2}\\h*(?:%|prozent)\\h+(?:rabatt|nachlass|erm\u00e4\u00dfigung|g\u00fcnstiger|billiger|"      \
	"reduziert|"                                                                                         \
	"sparen|auf\\h+(?:alle|alles|ihre|deine|das|den))"                                                   \
	"|(?:rabatt|gutschein|aktions|vorteils|promo)-?(?:code|aktion|coupon)s?(?!\\p{L})|(?:mit\\h+(?:dem|" \
	"ihrem)"                                                                                             \
	"\\h+)?code\\h+(?-i:[A-Z0-9]{4,})\\h+(?:einl\u00f6sen|sparen)"                                       \
	"|(?:einen?|ihre[nm]?|dein(?:en)?|als\\h+dankesch\u00f6n|\\d{1,6}\\h*(?:\u20ac|euro|eur)(?:-|\\h+))" \
	"\\h*(?"                                                                                             \
	":"                                                                                                  \
	"\\p{L}+\\h+){0,2}?(?:gutschein|rabatt|preisnachlass)(?!\\p{L})"                                     \
	"|sonder(?:angebot|preis|rabatt|aktion)e?n?(?!\\p{L})|(?:exklusives?|unschlagbare[sr]?|unser(?:em?)" \
	"?\\h+"                                                                                              \
	"neues|nur\\h+f\u00fcr\\h+kurze\\h+zeit|limitiertes?)\\h+(?:\\p{L}+\\h+)?angebote?(?!\\p{L})"        \
	"|angebot\\h+(?:gilt|endet|g\u00fcltig|nur)|jetzt\\h+(?:\\p{L}+\\h+)?(?:kaufen|bestellen|sichern|"   \
	"zugreifen|sparen|buchen|shoppen|zuschlagen)(?!\\p{L})"                                              \
	"|(?:greifen|schlagen)\\h+sie\\h+(?:jetzt\\h+)?zu(?!\\p{L})|nur\\h+f\u00fcr\\h+kurze\\h+zeit|"       \
	"solange\\h+("                                                                                       \
	"?:der\\h+)?vorrat\\h+reicht|versandkostenfrei|schn\u00e4ppchen"                                     \
	"|(?:sommer|winter|fr\u00fchjahrs|herbst|r\u00e4umungs|schluss)-?(?:schluss)?(?:verkauf|sale)(?!"    \
	"\\p{L})|"                                                                                           \
	"zum\\h+halben\\h+preis"
#define FRENCH                                                                                               \
	"\\d{1,2}\\h*%\\h+(?:de\\h+(?:r\u00e9duction|remise|rabais)|sur\\h+(?:tout|toute|toutes|tous|votre|" \
	"vos|"                                                                                               \
	"nos|notre|la|le|les|une))|(?<![\\d-])[-\u2212\u2013]\\h?\\d{1,2}\\h*%"                              \
	"|(?:une|de|votre|la)\\h+(?:remise|r\u00e9duction)\\h+(?:de\\h+\\d|exclusive|sp\u00e9ciale|"         \
	"imm\u00e9diate|suppl\u00e9mentaire)|codes?\\h+(?:promo|promotionnels?|avantage|de\\h+"              \
	"r\u00e9duction)(?!"                                                                                 \
	"\\p{L})"                                                                                            \
	"|offres?\\h+(?:sp\u00e9ciales?|exclusives?|limit\u00e9es?|promotionnelles?|valables?|"              \
	"exceptionnelles?|"                                                                                  \
	"de\\h+bienvenue)|bons?\\h+(?:de\\h+r\u00e9duction|d['\u2019]achat)"                                 \
	"|(?:nos|les|grands?|derniers\\h+jours\\h+des?)\\h+soldes|profitez(?:[ "                             \
	"-]en)?\\h+(?:vite|d\u00e8s|de\\h+(?:nos|notre|votre|l['\u2019]offre|\\d))|livraison\\h+(?:"         \
	"gratuite|"                                                                                          \
	"offerte)"                                                                                           \
	"|(?:commandez|achetez|r\u00e9servez)\\h+(?:maintenant|vite|d\u00e8s\\h+(?:maintenant|aujourd['"     \
	"\u2019]"                                                                                            \
	"hui)|sans\\h+attendre)|dans\\h+la\\h+limite\\h+des\\h+stocks|\u00e0\\h+moiti\u00e9\\h+prix|"        \
	"dur\u00e9e\\h+limit\u00e9e"
#define SPANISH                                                                                              \
	"\\d{1,2}\\h*%\\h+(?:de\\h+(?:descuento|rebaja)|dto\\b|en\\h+(?:todo|toda|todos|todas|su|tu|nuestr[" \
	"oa]s?|"                                                                                             \
	"la|el))|(?:un|de|su|tu)\\h+descuento\\h+(?:de[l]?|exclusivo|especial|adicional|en)(?!\\p{L})"       \
	"|c\u00f3digos?\\h+(?:promocional(?:es)?|de\\h+descuento|promo)|ofertas?\\h+(?:especial(?:es)?|"     \
	"exclusivas?|limitadas?|v\u00e1lidas?|irresistibles?|de\\h+bienvenida)|cup\u00f3n(?:\\h+de)?(?!\\p{" \
	"L})"                                                                                                \
	"|(?:las|nuestras|grandes|segundas)\\h+rebajas|(?:compr[ae]|reserv[ae]|pid[ae]|p\u00edd[ea]lo|"      \
	"solic\u00edtelo)\\h+(?:ahora|ya|hoy)(?!\\p{L})|aprovech[ae]\\h+(?:esta|este|nuestr[oa]s?|la|las|"   \
	"ahora|"                                                                                             \
	"ya)(?!\\p{L})"                                                                                      \
	"|env\u00edo\\h+(?:gratis|gratuito)|(?:2|3)\\h*[x\u00d7]\\h*(?:1|2)(?!\\w)|por\\h+tiempo\\h+"        \
	"limitado|"                                                                                          \
	"hasta\\h+agotar\\h+existencias|a\\h+mitad\\h+de\\h+precio"

static const char *const offer_language[] = {
    "(?i)(?:" CURRENCY "|(?:\\A|[^a-z0-9])\\K(?:" ENGLISH "))",
    "(?i)(?:\\A|[^a-z0-9])\\K(?:" GERMAN ")",
    "(?i)(?:\\A|[^a-z0-9])\\K(?:" FRENCH ")",
    "(?i)(?:\\A|[^a-z0-9])\\K(?:" SPANISH ")",
};
#define ANY_OFFER "(?i)(?:" CURRENCY "|(?<![a-z0-9])(?:" ENGLISH "|" GERMAN "|" FRENCH "|" SPANISH "))"

/* In Britain, Ireland and Canada a postcode tells the street, in America and Australia the state stands
 * between place and postcode; elsewhere a street or a box, and a postcode with its place not far behind. */
#define AFTER_PLACE "(?<=[\\p{L}.]\\h|[\\p{L}.],\\h|[\\p{L},.]\\n)"

static const char *const address_by_code[] = {
    AFTER_PLACE "[A-Z]{1,2}\\d[A-Z\\d]?\\h\\d[ABD-HJLNP-UW-Z]{2}\\b", /* Leeds LS1 4AB */
    AFTER_PLACE
    "(?:[A-Z]{2},?\\h{1,2})?[ABCEGHJ-NPRSTVXY]\\d[A-Z]\\h\\d[A-Z]\\d\\b", /* Toronto, ON M5V 2T6 */
    AFTER_PLACE "[AC-FHKNPRTV-Y]\\d[\\dW]\\h[\\dAC-FHKNPRTV-Y]{4}\\b",	  /* Dublin D02 X285 */
    AFTER_PLACE "(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S["
		"CD]|T[NX]|UT|V[AT]|"
		"W[AIVY])\\h{1,2}\\d{5}(?:-\\d{4})?\\b", /* Springfield, IL 62704 */
    AFTER_PLACE "(?:NSW|VIC|QLD|WA|SA|TAS|ACT|NT)\\h{1,2}\\d{4}\\b",
};
/* Capitals and a digit, with no more than blanks between them. */
#define ANY_CODE "[A-Z]\\h{0,2}\\d"

static const char *const address_by_street[] = {
    /* Domstraße 1, 20095 Hamburg */
    "(?i:stra\u00dfe|strasse|str\\.|weg|platz|allee|gasse|ring|damm|ufer|chaussee|markt|postfach)\\h\\d{1,4}"
    "\\h?[a-z]?"
    "[\\s\\S]{0,60}?\\b(?:[A-Z]{1,2}-)?\\d{4,5}\\h+\\p{Lu}\\p{L}",
    /* 12, rue de la Paix, 75002 Paris */
    "\\b\\d{1,4}(?:\\h?(?:bis|ter|quater|[a-c]))?,?\\h(?i:rue|avenue|av\\.|boulevard|bd\\.?|place|chemin|"
    "all\u00e9e|impasse|"
    "quai|route|cours|square|passage|faubourg)\\h[\\s\\S]{0,120}?\\b(?:F-)?\\d{4,5}\\h+\\p{Lu}",
    "\\b(?:BP|CS|B\\.P\\.)\\h\\d{2,6}[\\s\\S]{0,60}?\\b\\d{5}\\h+\\p{Lu}",
    /* Calle Mayor 5, 28013 Madrid */
    "\\b(?i:calle|avda\\.?|avenida|plaza|paseo|pza\\.?|carrera|ronda|camino|carretera|pol\u00edgono|glorieta|"
    "c/|apartado)"
    "\\h?[^\\n]{2,60}?\\d[\\s\\S]{0,60}?\\b(?:E-|C\\.?P\\.?\\h?)?\\d{5}\\h+\\p{Lu}",
};

/* The end of a postcode and its place. What it must begin with is told once more, for PCRE2 to look for. */
#define ANY_PLACE "(?=[0-9\\x{80}-\\x{10ffff}])\\d{4}\\h++\\p{Lu}"

#define PATTERNS(list) .patterns = (list), .count = sizeof(list) / sizeof *(list)
static const struct facts_set sets[] = {
    {"generic-salutation", {{PATTERNS(generic_salutation)}}},
    {"unfilled-merge-tag", {{PATTERNS(unfilled_merge_tag), .gate = ANY_TAG}, {PATTERNS(empty_merge_tag)}}},
    {"offer-language", {{PATTERNS(offer_language), .gate = ANY_OFFER, .heads = true}}},
    {"postal-address",
	{{PATTERNS(address_by_code), .gate = ANY_CODE}, {PATTERNS(address_by_street), .gate = ANY_PLACE}}},
};

const struct facts_set *facts_find_set(const char *name)
{
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (tact_text_equal_nocase(sets[i].name, name))
			return &sets[i];
	return NULL;
}

const char *tact_facts_pattern_set_text(const char *name, size_t index)
{
	const struct facts_set *set = facts_find_set(name);

	for (size_t i = 0; set != NULL && i < FACTS_GROUPS_MAX; i++) {
		if (index < set->groups[i].count)
			return set->groups[i].patterns[index];
		index -= set->groups[i].count;
	}
	return NULL;
}

const char *tact_facts_pattern_set_name(size_t index)
{
	return index < sizeof sets / sizeof *sets ? sets[index].name : NULL;
}
