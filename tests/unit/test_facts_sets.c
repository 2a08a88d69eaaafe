/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the sets of patterns find, and above all what they leave alone: prices, code, surnames, lists of
 * streets. In English, German, French and Spanish. That a set, with all that makes it quick, finds what its
 * patterns find one by one. And that no text takes them long.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tact/facts.h>

static struct tact_pattern *compile(const char *name)
{
	struct tact_pattern *set = NULL;
	struct tact_error err = {""};

	ck_assert_msg(tact_facts_compile_set(name, &set, &err) == TACT_OK, "%s: %s", name, err.text);
	return set;
}

/* ---- as its patterns one by one ---- */

#define PATTERNS_MAX 32
#ifndef MUTATIONS
#define MUTATIONS 40
#endif
#define MUTATION_BYTES 512

struct plain {
	struct tact_pattern *patterns[PATTERNS_MAX];
	size_t count;
};

struct found {
	enum tact_answer answer;
	size_t at, length;
};

static void compile_plain(const char *name, struct plain *ret)
{
	struct tact_error err = {""};
	const char *text;

	for (ret->count = 0; (text = tact_facts_pattern_set_text(name, ret->count)) != NULL; ret->count++) {
		ck_assert_uint_lt(ret->count, PATTERNS_MAX);
		ck_assert_msg(tact_facts_compile_search(text, &ret->patterns[ret->count], &err) == TACT_OK,
		    "%s, pattern %zu: %s", name, ret->count, err.text);
	}
	ck_assert_uint_gt(ret->count, 0);
}

static void clear_plain(struct plain *plain)
{
	for (size_t i = 0; i < plain->count; i++)
		tact_facts_free_pattern(&plain->patterns[i]);
}

static struct found ask_plain(const struct plain *plain, const char *text, size_t size)
{
	struct found found = {TACT_NO, 0, 0};

	for (size_t i = 0; i < plain->count && found.answer != TACT_YES; i++) {
		enum tact_answer answer =
		    tact_facts_search(plain->patterns[i], text, size, &found.at, &found.length);

		if (answer != TACT_NO)
			found.answer = answer;
	}
	return found;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One change somewhere: taken out, put in, in the other case, or another blank. Letters that caseless
 * patterns take for s and k, digits that are not ASCII, a byte that is no UTF-8. */
static size_t mutate(char *text, size_t size, uint64_t *state)
{
	static const char *const put[] = {" ", "\n", "\t", "-", "\xC2\xA0", "\xC5\xBF", "\xE2\x84\xAA",
	    "\xD9\xA3", "1", "\xC3\xA0", "\xE2\x82\xAC", "$", "%", "{", "}", "[", "<", "|", "A", "e", "\xC3"};
	const char *piece = put[next_random(state) % (sizeof put / sizeof *put)];
	size_t at = next_random(state) % (size + 1), length = strlen(piece);

	switch (next_random(state) % 5) {
	case 0:
		if (at < size && ((unsigned char)text[at] & 0x80) == 0)
			memmove(text + at, text + at + 1, --size - at);
		return size;
	case 1:
		if (at < size && strchr(" \n", text[at]) != NULL)
			text[at] = text[at] == ' ' ? '\n' : ' ';
		return size;
	case 2:
		for (size_t i = at; i < size && i < at + 4; i++)
			if ((text[i] | 0x20) >= 'a' && (text[i] | 0x20) <= 'z')
				text[i] ^= 0x20;
		return size;
	default:
		if (size + length > MUTATION_BYTES || (at < size && ((unsigned char)text[at] & 0xC0) == 0x80))
			return size;
		memmove(text + at + length, text + at, size - at);
		memcpy(text + at, piece, length);
		return size + length;
	}
}

/* TEXT within prose or alone, then worse and worse. */
static void agree(
    const char *name, const struct tact_pattern *set, const struct plain *plain, const char *text)
{
	static const char *const around[] = {"", "Dear Ann,\nyou said that 3 of 20 ", "caf\xC3\xA9 ", "x"};
	static uint64_t state = 88172645463325252;
	char mutant[MUTATION_BYTES + 1];

	for (size_t i = 0; i < MUTATIONS; i++) {
		int printed = snprintf(mutant, sizeof mutant, "%s%.400s%s",
		    around[i % (sizeof around / sizeof *around)], text, i % 3 == 0 ? "" : " and so on. ");
		size_t size = (size_t)printed;

		for (size_t change = 0; change <= i % 7; change++) {
			struct found want = ask_plain(plain, mutant, size), got = {TACT_NO, 0, 0};

			got.answer = tact_facts_search(set, mutant, size, &got.at, &got.length);
			ck_assert_msg(
			    got.answer == want.answer &&
				(got.answer != TACT_YES || (got.at == want.at && got.length == want.length)),
			    "%s in \"%.*s\": got answer %d, %zu bytes at %zu, want answer %d, %zu bytes at "
			    "%zu",
			    name, (int)size, mutant, got.answer, got.length, got.at, want.answer, want.length,
			    want.at);
			size = mutate(mutant, size, &state);
		}
	}
}

/* ---- what is found ---- */

static void finds(const char *name, const char *const *texts, size_t count, enum tact_answer want)
{
	static const char *const words[] = {"nothing", "a match", "no answer"};
	struct tact_pattern *set = compile(name);
	struct plain plain;
	size_t wrong = 0;

	compile_plain(name, &plain);
	for (size_t i = 0; i < count; i++) {
		size_t at = 0, length = 0;
		enum tact_answer got = tact_facts_search(set, texts[i], strlen(texts[i]), &at, &length);

		if (got != want)
			printf("%s in \"%s\": got %s (\"%.*s\"), want %s\n", name, texts[i], words[got],
			    got == TACT_YES ? (int)length : 0, texts[i] + at, words[want]);
		wrong += got != want;
		agree(name, set, &plain, texts[i]);
	}
	clear_plain(&plain);
	tact_facts_free_pattern(&set);
	ck_assert_msg(wrong == 0, "%s: got %zu wrong answers, want none; they are told above", name, wrong);
}
#define FINDS(name, texts) finds((name), (texts), sizeof(texts) / sizeof *(texts), TACT_YES)
#define LEAVES(name, texts) finds((name), (texts), sizeof(texts) / sizeof *(texts), TACT_NO)

/* ---- generic-salutation ---- */

START_TEST(generic_salutations_are_found)
{
	static const char *const texts[] = {
	    "Dear Sir or Madam,\nwe write to you",
	    "Dear Sir/Madam,",
	    "DEAR SIRS",
	    "dear madam:",
	    "To Whom It May Concern",
	    "Dear customer,",
	    "Dear Valued Customer, thank you",
	    "Dear valued customer we are glad",
	    "Hello\n  Dear friend,",
	    "Dear Subscriber!",
	    "Hi there,",
	    "Hello everyone,",
	    "Good morning all,",
	    "Ladies and gentlemen, dear all\nDear all,",
	    "Dear homeowner,",
	    "Sehr geehrte Damen und Herren,\n",
	    "Sehr geehrte Damen, sehr geehrte Herren,",
	    "sehr geehrte damen und herren",
	    "Sehr geehrter Kunde,",
	    "Sehr geehrte Kundin, sehr geehrter Kunde,",
	    "Liebe Kundinnen und Kunden,",
	    "Liebe Kund*innen,",
	    "Liebe Leserin, lieber Leser,",
	    "Lieber Interessent,",
	    "Sehr geehrte Frau/Herr,",
	    "Hallo zusammen,",
	    "Madame, Monsieur,\nnous",
	    "Bonjour Madame, Monsieur,",
	    "Mesdames, Messieurs,",
	    "Cher client,",
	    "Chère cliente, cher client,",
	    "Cher(e) client(e),",
	    "Chers abonnés,",
	    "Cher ami,",
	    "À qui de droit,",
	    "Bonjour à tous,",
	    "Estimado cliente:",
	    "Estimada clienta,",
	    "Estimado/a cliente,",
	    "Estimados señores:",
	    "Muy señores míos:",
	    "A quien corresponda:",
	    "Querido amigo,",
	    "Hola a todos,",
	};

	FINDS("generic-salutation", texts);
}
END_TEST

START_TEST(salutations_of_somebody_are_left_alone)
{
	static const char *const texts[] = {
	    "Dear Ann,\nyou are a valued customer of ours",
	    "Dear Sir Richard,",
	    "Dear Madam Speaker,",
	    "Dear Mr Friend,",
	    "Dear Ms Guest,",
	    "Dear members of the choir,",
	    "Dear customer service team,",
	    "Dear All Saints congregation",
	    "Hi Theresa,",
	    "Hello Ann, there is news",
	    "We told every customer, and our dear customers know",
	    "the sir, madam and customer stand in the middle of a line: Dear Customer",
	    "Sehr geehrter Herr Kunde,",
	    "Sehr geehrte Frau Freund,",
	    "Lieber Herr Gast,",
	    "Liebe Freundin Anna,",
	    "Liebe Anna,",
	    "Guten Tag, Frau Herrenberg,",
	    "Sehr geehrte Frau Damen,",
	    "Madame Lefèvre,",
	    "Cher Monsieur Client,",
	    "Chère Madame Ami,",
	    "Cher Pierre,",
	    "Bonjour Anne, chers amis de la maison",
	    "Estimado señor García:",
	    "Estimada Ana:",
	    "Querida amiga Lucía,",
	    "Hola Ana, a todos les gusta",
	    "",
	};

	LEAVES("generic-salutation", texts);
}
END_TEST

/* ---- unfilled-merge-tag ---- */

START_TEST(unfilled_merge_tags_are_found)
{
	static const char *const texts[] = {
	    "Dear *|FNAME|*,",
	    "Dear *|F|*,",
	    "Hello *|IF:FNAME|* friend",
	    "*|LIST:COMPANY|*",
	    "Dear {{first_name}},",
	    "Dear {{ first_name }},",
	    "Hi {{f}},",
	    "Hi {{First Name}}, welcome",
	    "Hello {{{name}}}",
	    "Dear {{contact.firstname}},",
	    "Hi {{ name | default: \"friend\" }},",
	    "{{#if vip}}Dear VIP{{/if}}",
	    "Dear %%first_name%%,",
	    "Dear %%f%%,",
	    "%%[ SET @x = 1 ]%%",
	    "Hi %%=v(@name)=%%,",
	    "Dear %FIRSTNAME%,",
	    "Hello %first_name%!",
	    "Dear [[first_name]],",
	    "Dear [[f]],",
	    "Hi [[First Name]],",
	    "Dear ${first_name},",
	    "Dear ${f},",
	    "Hello ${firstName}",
	    "{% if customer.first_name %}Dear x{% endif %}",
	    "Hi {%- if name -%} you",
	    "Dear <%= first_name %>,",
	    "Dear [First Name],",
	    "Dear {FirstName},",
	    "Dear <First Name>,",
	    "Dear <<First Name>>,",
	    "Dear [Name],",
	    "Dear {name},",
	    "Sehr geehrte {{anrede}}",
	    "Hallo [Vorname],",
	    "Liebe {vorname},",
	    "Cher [Prénom],",
	    "Bonjour {prénom},",
	    "Estimado [Nombre],",
	    "Hola {apellidos},",
	    "Your offer is waiting, {{first_name}}",
	    "line one\nDear {{first_name}},\nline three",
	    "https://acme.example/u?e={{email}}",
	    "20% off for *|FNAME|*; see <https://acme.example>",
	    "Dear ,",
	    "Hi  ,\nwe",
	    "Hallo ,",
	    "Hi null,",
	    "Dear undefined,",
	    "Hello None,",
	};

	FINDS("unfilled-merge-tag", texts);
}
END_TEST

START_TEST(code_and_prices_are_left_alone)
{
	static const char *const texts[] = {
	    "Dear Ann,\nyour order costs $25.00 (20% off), see [1] and {2}.",
	    "{\"name\": \"Ann\", \"items\": [[1,2],[3,4]]}",
	    "{ \"first_name\": \"Ann\" }",
	    "In Jinja, `{{ user.name }}` prints a name.",
	    "<h1>{{ user.name }}</h1>",
	    "<p>Hello {{name}}</p>",
	    "const s = `Hello ${name}`;",
	    "echo ${HOME}",
	    "  uses: actions/checkout@v4 with token ${{ secrets.TOKEN }}",
	    "if [[ -f x ]]; then",
	    "if [[ $a == $b ]]; then",
	    "See [[Main Page]] of the wiki",
	    "The set $\\{x\\}$ and \\frac{{a}}{b}",
	    "We write {{\\bf bold}} in LaTeX",
	    "  title = {{The Art of Programming}},",
	    "let ${x}$ be a number and $y$ another",
	    "100%% sure, and 50%% of 10%",
	    "set PATH=%PATH%;%APPDATA%\\tool",
	    "Save to %TEMP% or %USERPROFILE%",
	    "arr[name] = map{key}",
	    "git checkout [name]",
	    "f(x) = {x | x > 0}",
	    "a ** b | c ** d",
	    "* item | price *",
	    "*** | ***",
	    "print(\"{{x}}\".format(1));",
	    "Thank you, [name withheld]",
	    "Ann <ann@example.com> wrote:",
	    "click [here](https://acme.example)",
	    "Bonjour !\nMerci beaucoup",
	    "Dear Ann ,",
	    "Dear None-Smith,",
	    "Hello Nula,",
	    "{{ }}",
	    "$5, $10 and $15",
	    "10 % de plus, 20 % en tout",
	    "",
	};

	LEAVES("unfilled-merge-tag", texts);
}
END_TEST

/* ---- offer-language ---- */

START_TEST(offers_are_found)
{
	static const char *const texts[] = {
	    "Thank you! Enjoy 20% off your next visit",
	    "take 15 percent off",
	    "£10 off everything",
	    "Save up to £50 today",
	    "save 30%",
	    "Use code THANKS10",
	    "Here is your promo code",
	    "a special offer for you",
	    "Offer ends Sunday",
	    "our summer sale",
	    "Buy one, get one free",
	    "2 for 1 on all shoes",
	    "get a discount on us",
	    "Free shipping on all orders",
	    "Order now!",
	    "while stocks last",
	    "for a limited time",
	    "don't miss out",
	    "half price",
	    "Als Dankeschön einen Gutschein",
	    "20 % Rabatt auf alles",
	    "20% auf alles",
	    "Ihr Gutscheincode",
	    "Jetzt kaufen",
	    "jetzt schnell zugreifen",
	    "Nur für kurze Zeit",
	    "solange der Vorrat reicht",
	    "versandkostenfrei",
	    "unser Sonderangebot",
	    "Angebot gilt bis Sonntag",
	    "Winterschlussverkauf",
	    "10 € Gutschein für Sie",
	    "-20 % sur tout",
	    "20 % de réduction",
	    "une remise de 10 euros",
	    "votre code promo",
	    "offre spéciale",
	    "livraison gratuite",
	    "Commandez maintenant",
	    "Profitez de notre",
	    "dans la limite des stocks",
	    "un bon d’achat",
	    "20 % de descuento",
	    "un descuento especial",
	    "código promocional",
	    "oferta limitada",
	    "envío gratis",
	    "Compra ahora",
	    "Pida ahora",
	    "pide ya",
	    "por tiempo limitado",
	    "hasta agotar existencias",
	    "¡Aprovecha esta ocasión!",
	    "un cupón de regalo",
	};

	FINDS("offer-language", texts);
}
END_TEST

START_TEST(thanks_and_invoices_are_left_alone)
{
	static const char *const texts[] = {
	    "Thank you for eight years with us. We are glad that you are here.",
	    "Your invoice: 3 × £25.00, VAT 20 %, total £90.00",
	    "Our after-sales service and sales team thank you",
	    "At the point of sale you told us",
	    "Thank you for your order of 12 March. It will arrive on Tuesday.",
	    "100% of our clients said so",
	    "We offer our thanks, and you may order coffee when you visit",
	    "You saved the file in 2024",
	    "Feel free to call",
	    "the deal that we closed together",
	    "We discount nothing that you told us",
	    "Vielen Dank für Ihre Bestellung. Ihr Angebot Nr. 4711 liegt bei.",
	    "Rechnung über 120,00 € zzgl. 19 % MwSt.",
	    "Danke für acht Jahre Treue, wir freuen uns auf das nächste",
	    "Wir kaufen gern bei Ihnen, und jetzt ist Feierabend",
	    "Der Verkauf in Köln dankt",
	    "20 % aller Kunden kommen wieder",
	    "Merci de votre confiance. La facture de 120,00 € (TVA 20 %) est jointe.",
	    "Nous vous offrons nos meilleurs vœux",
	    "du 3 au 20 mai, 10-12 %",
	    "La livraison est prévue mardi",
	    "Gracias por su confianza. Factura: 120,00 €, IVA 21 %.",
	    "Nuestra oferta número 12 fue aceptada",
	    "Compramos juntos; ahora descansamos",
	    "",
	};

	LEAVES("offer-language", texts);
}
END_TEST

/* ---- postal-address ---- */

START_TEST(postal_addresses_are_found)
{
	static const char *const texts[] = {
	    "Acme Ltd, 1 The Headrow, Leeds LS1 4AB",
	    "Acme Ltd\n1 The Headrow\nLeeds\nLS1 4AB\n",
	    "Acme Inc., 123 Main Street, Springfield, IL 62704",
	    "PO Box 12, Portland, OR 97201-1234",
	    "Acme, 5 King St, Toronto, ON M5V 2T6",
	    "12 Harbour Row, Dublin D02 X285",
	    "1 George Street, Sydney NSW 2000",
	    "Acme GmbH, Domstraße 1, 20095 Hamburg",
	    "Acme GmbH\nLange Str. 12 a\nD-50667 Köln",
	    "Acme AG, Bahnhofplatz 3, 8001 Zürich",
	    "Postfach 10 20 30, 20014 Hamburg",
	    "Acme SA, 12 bis, rue de la Paix, 75002 Paris",
	    "Acme\n12 avenue Foch\n69006 Lyon",
	    "BP 123, 31000 Toulouse",
	    "Acme S.L., Calle Mayor 5, 28013 Madrid",
	    "C/ Gran Vía, 12, 3º B\n28013 Madrid",
	    "Avda. de América 7 - 08013 Barcelona",
	    "Apartado de correos 123, 41080 Sevilla",
	};

	FINDS("postal-address", texts);
}
END_TEST

START_TEST(what_is_no_address_is_none)
{
	static const char *const texts[] = {
	    "Dear Ann, order 12345 Shoes for $62704",
	    "Call 0113 496 0000 in Leeds",
	    "We sold 1000 shoes in 2026 in the main street",
	    "Article AB12 is out",
	    "OR 12345 OK",
	    "Am Platz stehen 5 Bäume, 10000 Kunden waren da.\nMehr davon bald, und dann noch etwas mehr "
	    "davon, bis alle 20095 "
	    "Menschen da waren",
	    "la rue est longue, 75002 personnes sont venues",
	    "una calle mayor y 28013 personas",
	    "",
	};

	LEAVES("postal-address", texts);
}
END_TEST

/* ---- nothing takes long ---- */

static const char *const set_names[] = {
    "generic-salutation", "unfilled-merge-tag", "offer-language", "postal-address"};
static const char *const pieces[] = {"a", " ", "\n", "1", "1 ", "{{", "{{ ", "{{a", "{{a ", "%%a", "%", "[[",
    "${a}", "$", "<%=", "<a", "a(", "a() ", "; ", "= ", "*|a", "{% if ", "Dear ", "dear\n", "dear sir ",
    "Sehr geehrte ", "cher client ", "estimado ", "get a ", "einen ", "jetzt a ", "50% ", "1 % ", "save ",
    "calle 1", "calle 11", "weg 1 ", "1 rue ", "1 rue 11111 ", "BP 12 ", "LS1 ", "a.\n", "a, A1 ", "$1", "1$",
    "einen a", "-1", "D-1111 ", "\xC3\xA9", "`", "[first ", "\t\t{", "- "};

/* The process's own time: others may be busy. 256 KiB of each. */
START_TEST(no_text_takes_long)
{
	enum { SIZE = 256 * 1024 };
	static char text[SIZE + 1];
	size_t at, found, length = strlen(pieces[_i]);

	for (size_t i = 0; i < SIZE; i++)
		text[i] = pieces[_i][i % length];
	while (((unsigned char)text[SIZE - 1] & 0x80) != 0 && strlen(pieces[_i]) == 2 && SIZE % 2 != 0)
		text[SIZE - 1] = ' ';
	for (size_t n = 0; n < sizeof set_names / sizeof *set_names; n++) {
		clock_t before = clock();

		struct tact_pattern *set = compile(set_names[n]);

		ck_assert_int_ne(tact_facts_search(set, text, SIZE, &at, &found), TACT_CANNOT_TELL);
		tact_facts_free_pattern(&set);
		double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;
		ck_assert_msg(seconds < 2, "%s over \"%s\": got %.2f s, want less than 2", set_names[n],
		    pieces[_i], seconds);
	}
}
END_TEST

/* An admin's own pattern may be as bad as it likes. */
START_TEST(a_search_without_end_cannot_tell)
{
	static const char *const bad[] = {"(a+)+$", "(a|aa)+$", "(?:a*)*b", "(.*)*x", "a.*b.*c.*d.*e"};
	enum { SIZE = 256 * 1024 };
	static char text[SIZE + 1];

	memset(text, 'a', SIZE);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct tact_pattern *pattern = NULL;
		struct tact_error err = {""};
		size_t at, length;
		clock_t before = clock();

		ck_assert_int_eq(tact_facts_compile_search(bad[i], &pattern, &err), TACT_OK);
		enum tact_answer got = tact_facts_search(pattern, text, SIZE, &at, &length);
		double seconds = (double)(clock() - before) / CLOCKS_PER_SEC;
		ck_assert_msg(seconds < 5, "%s: got %.2f s, want less than 5", bad[i], seconds);
		ck_assert_msg(i > 1 || got != TACT_NO, "%s: got no match, want a match or no answer", bad[i]);
		tact_facts_free_pattern(&pattern);
	}
}
END_TEST

START_TEST(bytes_that_are_not_utf8_cannot_be_told)
{
	struct tact_pattern *pattern = NULL;
	struct tact_error err = {""};
	size_t at, length;

	ck_assert_int_eq(tact_facts_compile_search("x", &pattern, &err), TACT_OK);
	ck_assert_int_eq(tact_facts_search(pattern, "caf\xe9", 4, &at, &length), TACT_CANNOT_TELL);
	ck_assert_int_eq(tact_facts_search(pattern, "a x", 3, &at, &length), TACT_YES);
	ck_assert_uint_eq(at, 2);
	ck_assert_uint_eq(length, 1);
	tact_facts_free_pattern(&pattern);
	ck_assert_int_eq(tact_facts_compile_set("no such set", &pattern, &err), TACT_INVALID);
	ck_assert_int_eq(tact_facts_compile_search("(", &pattern, &err), TACT_INVALID);
	ck_assert_ptr_null(pattern);
	ck_assert_ptr_nonnull(strstr(err.text, "character 2"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("facts: pattern sets");
	TCase *all = tcase_create("all");

	tcase_set_timeout(all, 300);
	tcase_add_test(all, generic_salutations_are_found);
	tcase_add_test(all, salutations_of_somebody_are_left_alone);
	tcase_add_test(all, unfilled_merge_tags_are_found);
	tcase_add_test(all, code_and_prices_are_left_alone);
	tcase_add_test(all, offers_are_found);
	tcase_add_test(all, thanks_and_invoices_are_left_alone);
	tcase_add_test(all, postal_addresses_are_found);
	tcase_add_test(all, what_is_no_address_is_none);
	tcase_add_loop_test(all, no_text_takes_long, 0, sizeof pieces / sizeof *pieces);
	tcase_add_test(all, a_search_without_end_cannot_tell);
	tcase_add_test(all, bytes_that_are_not_utf8_cannot_be_told);
	suite_add_tcase(suite, all);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
