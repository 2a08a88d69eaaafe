/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * tact preflight: what would become of a campaign, before it goes. The list is read, everybody on it is asked
 * about, the sum is told; nothing is written to the store or to the evidence.
 */
#include <config.h>

#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "private.h"

#define CHUNK 1000
#define PROGRESS_EVERY 20000
#define SECOND_US INT64_C(1000000)
#define LAST_S INT64_C(253402300799) /* of the year 9999: no later time can be written */

static const struct cli_option options[] = {
    {"stream", "NAME", "the stream that would carry the mail (required)", false},
    {"at", "TIME", "when sending would begin (default: now)", false},
    {"rate", "N/DURATION", "how fast it would go, such as 50000/1h (default: all at once)", false},
    {"campaign", "NAME", "campaign of the mail", false}, {"offer", "NAME", "offer in the mail", false},
    {"list", "NAME", "list it goes to", false},
    {"each", "FILE", "write a CSV with a line for each recipient", false},
    {"plain", NULL, "the file is one address a line, without a header", false}, {NULL, NULL, NULL, false}};

/* Keys that were met, to find those who stand on the list twice. */
struct known {
	struct tact_id *slots;
	size_t room, count;
};

struct flight {
	struct cli *cli;
	const struct tact_rule_set *rules;
	const struct tact_stream *stream;
	struct tact_facts facts;
	int64_t start_us, rate_count, rate_s;
	FILE *each;
	char *each_path, *each_fresh;
	bool each_whole;	  /* all of it was written */
	struct tact_arena *arena; /* of one chunk */
	struct tact_recipient recipients[CHUNK];
	struct tact_foresight list[CHUNK];
	const char *names[CHUNK];
	size_t chunk;
	struct known known;
	size_t mistakes;
	int result; /* the worst answer of the store */
	struct tact_error err;
	/* What came of it. */
	uint64_t asked, duplicates, undecided, verdicts[TACT_REJECT + 1];
	int64_t last_us; /* when the last one would go */
	struct cli_tallies by_rule, by_holder, by_day, monitored;
};

/* ---- who was met already ---- */

static struct tact_id *slot_of(const struct tact_id *slots, size_t room, const struct tact_id *key)
{
	size_t at;

	memcpy(&at, key->b, sizeof at);
	for (at %= room; !tact_id_is_none(&slots[at]) && !tact_id_equal(&slots[at], key);
	     at = (at + 1) % room)
		;
	return (struct tact_id *)&slots[at];
}

static void grow(struct known *known)
{
	size_t room = known->room == 0 ? 4096 : 2 * known->room;
	struct tact_id *slots = tact_calloc(room, sizeof *slots);

	for (size_t i = 0; i < known->room; i++)
		if (!tact_id_is_none(&known->slots[i]))
			*slot_of(slots, room, &known->slots[i]) = known->slots[i];
	free(known->slots);
	known->slots = slots;
	known->room = room;
}

/* False when it was met before. */
static bool meet(struct known *known, const struct tact_id *key)
{
	struct tact_id *slot;

	if (2 * known->count >= known->room)
		grow(known);
	slot = slot_of(known->slots, known->room, key);
	if (!tact_id_is_none(slot))
		return false;
	*slot = *key;
	known->count++;
	return true;
}

/* ---- what one answer adds ---- */

static const struct tact_finding *finding_of(const struct tact_opinion *opinion)
{
	for (size_t i = 0; i < opinion->findings_count; i++)
		if (opinion->findings[i].rule == opinion->rule)
			return &opinion->findings[i];
	return NULL;
}

static const char *day_of(struct flight *flight, int64_t time_us)
{
	struct tact_local_time local;

	tact_zone_local(flight->cli->config->zone, time_us / SECOND_US, &local);
	return tact_arena_printf(flight->arena, "%04d-%02d-%02d", local.year, local.month, local.day);
}

/* Rules on monitor, and what they would do. */
static void count_monitored(struct flight *flight, const struct tact_opinion *opinion)
{
	for (size_t i = 0; i < opinion->findings_count; i++) {
		const struct tact_finding *finding = &opinion->findings[i];

		if (finding->fired && finding->rule->monitor)
			cli_tally(&flight->monitored, finding->rule->name)->verdicts[finding->verdict]++;
	}
}

static const char *rule_of(const struct tact_opinion *opinion)
{
	return opinion->rule != NULL ? opinion->rule->name : "no place in time";
}

static void count(struct flight *flight, const struct tact_opinion *opinion)
{
	const struct tact_finding *finding = finding_of(opinion);

	flight->verdicts[opinion->verdict]++;
	count_monitored(flight, opinion);
	if (opinion->verdict == TACT_ACCEPT)
		return;
	cli_tally(&flight->by_rule, rule_of(opinion))->verdicts[opinion->verdict]++;
	if (finding != NULL && *finding->holder != '\0')
		cli_tally(&flight->by_holder, finding->holder)->verdicts[opinion->verdict]++;
	if (opinion->verdict == TACT_DELAY)
		cli_tally(&flight->by_day, day_of(flight, opinion->until_us))->verdicts[TACT_DELAY]++;
}

/* Nothing that a spreadsheet takes for a formula begins a field. */
static void put_cell(FILE *file, struct tact_arena *arena, const char *text, bool last)
{
	if (*text != '\0' && strchr("=+-@", *text) != NULL)
		text = tact_arena_printf(arena, "'%s", text);
	csv_fwrite(file, text, strlen(text));
	fputs(last ? "\r\n" : ",", file);
}

static void write_each(struct flight *flight, const char *name, const struct tact_foresight *one)
{
	const struct tact_opinion *opinion = &one->opinion;
	const struct tact_finding *finding = one->result == TACT_OK ? finding_of(opinion) : NULL;
	bool decided = one->result == TACT_OK, waits = decided && opinion->verdict == TACT_DELAY;

	if (flight->each == NULL)
		return;
	put_cell(flight->each, flight->arena, name, false);
	put_cell(flight->each, flight->arena, tact_text_format_time(flight->arena, one->at_us), false);
	put_cell(flight->each, flight->arena,
	    decided ? tact_policy_verdict_name(opinion->verdict) : "undecided", false);
	put_cell(flight->each, flight->arena,
	    waits ? tact_text_format_time(flight->arena, opinion->until_us) : "", false);
	put_cell(flight->each, flight->arena,
	    decided && opinion->verdict != TACT_ACCEPT ? rule_of(opinion) : "", false);
	put_cell(flight->each, flight->arena, finding != NULL ? finding->holder : "", false);
	put_cell(flight->each, flight->arena, decided ? opinion->text : tact_result_name(one->result), true);
}

/* ---- a chunk ---- */

static void ask_chunk(struct flight *flight)
{
	int result = tact_decide_foresee(flight->cli->decider, flight->arena, flight->rules, flight->stream,
	    &flight->facts, flight->list, flight->chunk, &flight->err);

	if (result != TACT_OK)
		flight->result = result;
	for (size_t i = 0; i < flight->chunk; i++) {
		const struct tact_foresight *one = &flight->list[i];

		flight->undecided += one->result != TACT_OK;
		if (one->result == TACT_OK)
			count(flight, &one->opinion);
		write_each(flight, flight->names[i], one);
	}
	flight->chunk = 0;
	tact_arena_reset(flight->arena);
	if (flight->asked % PROGRESS_EVERY == 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%" PRIu64 " asked", flight->asked);
}

/* The record's arena ends with the record; who is asked with a thousand others needs his own. */
static void keep(struct flight *flight, const char *name, const struct tact_recipient *from)
{
	struct tact_recipient *to = &flight->recipients[flight->chunk];

	*to = *from;
	to->also = tact_arena_copy(flight->arena, from->also, from->also_count * sizeof *from->also);
	to->address =
	    (struct tact_address){.given = "", .canonical = "", .plain = "", .local = "", .domain = ""};
	flight->names[flight->chunk] = flight->each != NULL ? tact_arena_strdup(flight->arena, name) : "";
}

/* False: later than any time that can be written. A duration and a rate are short enough for their product.
 */
static bool time_of(const struct flight *flight, uint64_t index, int64_t *ret_us)
{
	uint64_t n = (uint64_t)flight->rate_count, each_s = (uint64_t)flight->rate_s, rest;
	int64_t start_s = flight->start_us / SECOND_US;

	*ret_us = flight->start_us;
	if (n == 0)
		return true;
	rest = index % n * each_s;
	if (start_s >= LAST_S || index / n >= (uint64_t)(LAST_S - start_s) / each_s)
		return false;
	*ret_us += (int64_t)(index / n * each_s + rest / n) * SECOND_US + (int64_t)(rest % n * SECOND_US / n);
	return true;
}

static void take_row(void *context, struct cli_csv *csv)
{
	struct flight *flight = context;
	struct tact_recipient recipient;
	bool sha256;
	const char *name = cli_csv_person(csv, &flight->cli->identity, &recipient, &sha256);

	if (name == NULL)
		return;
	if (!meet(&flight->known, &recipient.key)) {
		flight->duplicates++;
		return;
	}
	keep(flight, name, &recipient);
	if (!time_of(flight, flight->asked++, &flight->last_us))
		cli_csv_mistake(csv, "--rate: this one would go after the year 9999");
	flight->list[flight->chunk] = (struct tact_foresight){
	    .recipient = &flight->recipients[flight->chunk], .at_us = flight->last_us};
	flight->chunk++;
	if (flight->chunk == CHUNK && flight->mistakes == 0)
		ask_chunk(flight);
	if (flight->chunk < CHUNK)
		return;
	/* Nothing will be told: only the other mistakes are still looked for. */
	flight->chunk = 0;
	tact_arena_reset(flight->arena);
}

/* ---- what is told ---- */

static void tell_text(struct flight *flight)
{
	struct tact_arena *arena = flight->cli->arena;

	printf("%" PRIu64 " recipients, stream \"%s\", from %s", flight->asked, flight->stream->name,
	    tact_text_format_time(arena, flight->start_us));
	if (flight->last_us > flight->start_us)
		printf(" to %s", tact_text_format_time(arena, flight->last_us));
	printf("\n");
	if (flight->duplicates > 0)
		printf("  %" PRIu64 " more lines name somebody again\n", flight->duplicates);
	for (size_t i = 0; i <= TACT_REJECT; i++)
		printf("  %-12s %10" PRIu64 "  %5.1f %%\n", tact_policy_verdict_name((enum tact_verdict)i),
		    flight->verdicts[i],
		    flight->asked > 0 ? 100.0 * (double)flight->verdicts[i] / (double)flight->asked : 0);
	if (flight->undecided > 0)
		printf("  %-12s %10" PRIu64 "\n", "undecided", flight->undecided);
	cli_tally_print(arena, "by rule", &flight->by_rule);
	cli_tally_print(arena, "the place is held by", &flight->by_holder);
	cli_tally_print(arena,
	    tact_arena_printf(arena, "delayed to (%s)", tact_zone_name(flight->cli->config->zone)),
	    &flight->by_day);
	cli_tally_print(arena, "on monitor, would be", &flight->monitored);
}

static void tell_json(struct flight *flight)
{
	struct cli_json *object = cli_json_object();

	cli_json_put_text(object, "stream", flight->stream->name);
	cli_json_put_time(object, "from", flight->start_us);
	cli_json_put_time(object, "to", flight->last_us);
	cli_json_put_integer(object, "recipients", (int64_t)flight->asked);
	cli_json_put_integer(object, "duplicates", (int64_t)flight->duplicates);
	for (size_t i = 0; i <= TACT_REJECT; i++)
		cli_json_put_integer(
		    object, tact_policy_verdict_name((enum tact_verdict)i), (int64_t)flight->verdicts[i]);
	cli_json_put_integer(object, "undecided", (int64_t)flight->undecided);
	cli_tally_put(object, "rules", "rule", &flight->by_rule);
	cli_tally_put(object, "holders", "holder", &flight->by_holder);
	cli_tally_put(object, "days", "day", &flight->by_day);
	cli_tally_put(object, "monitored", "rule", &flight->monitored);
	cli_json_print(object);
}

static int compare_days(const void *a, const void *b)
{
	return strcmp((*(struct cli_tally *const *)a)->name, (*(struct cli_tally *const *)b)->name);
}

static void sort(struct flight *flight)
{
	cli_tally_sort(&flight->by_rule);
	cli_tally_sort(&flight->by_holder);
	cli_tally_sort(&flight->monitored);
	if (flight->by_day.count > 1)
		qsort(flight->by_day.rows, flight->by_day.count, sizeof(struct cli_tally *), compare_days);
}

/* ---- the flight ---- */

static int read_rate(struct flight *flight)
{
	const char *text = cli_value(flight->cli, "rate"), *slash = text != NULL ? strchr(text, '/') : NULL;
	struct tact_error err = {"it is written N/DURATION"};

	if (text == NULL)
		return EX_OK;
	if (slash != NULL &&
	    tact_text_parse_int(tact_arena_strndup(flight->cli->arena, text, (size_t)(slash - text)), 1,
		1000000000, &flight->rate_count, &err) == TACT_OK &&
	    tact_text_parse_duration(slash + 1, &flight->rate_s, &err) == TACT_OK && flight->rate_s > 0)
		return EX_OK;
	return cli_fail(EX_USAGE, "--rate: \"%.40s\": %s; write 50000/1h", text, err.text);
}

static const char *text_of(const struct cli *cli, const char *option)
{
	const char *text = cli_value(cli, option);

	return text != NULL ? text : "";
}

static int find_stream(struct flight *flight)
{
	int code = cli_stream(flight->cli, &flight->stream);

	if (code != EX_OK)
		return code;
	if (flight->stream->direction == TACT_IN)
		return cli_fail(EX_USAGE,
		    "--stream: mail of stream \"%.64s\" comes in; no rule is asked about it",
		    flight->stream->name);
	tact_facts_of_stream(flight->stream, text_of(flight->cli, "campaign"), text_of(flight->cli, "offer"),
	    text_of(flight->cli, "list"), &flight->facts);
	return EX_OK;
}

/* Who is broken off leaves no list of people beside the file. */
static const char *volatile unfinished;

static void leave_nothing(int number)
{
	if (unfinished != NULL)
		(void)unlink(unfinished);
	(void)raise(number); /* of itself again, once this returns */
}

static void clean_up_when_ended(const char *path)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
	struct sigaction before, action = {.sa_handler = leave_nothing, .sa_flags = (int)SA_RESETHAND};

	unfinished = path;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL)
			(void)sigaction(numbers[i], &action, NULL);
}

/* A device or a pipe would not be written to: it would be gone, and for root /dev/stdout with it. */
static bool would_be_lost(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
}

/* Written beside and put in place at the end: a file that is there is whole. */
static int open_each(struct flight *flight)
{
	const char *path = cli_value(flight->cli, "each");
	int fd;

	if (path == NULL)
		return EX_OK;
	if (would_be_lost(path))
		return cli_fail(EX_CANTCREAT, "%s: is no file, and would be replaced by one", path);
	flight->each_path = tact_arena_strdup(flight->cli->arena, path);
	flight->each_fresh = tact_arena_printf(flight->cli->arena, "%s.XXXXXX", path);
	clean_up_when_ended(flight->each_fresh); /* first: it has its name before there is a file */
	fd = mkostemp(flight->each_fresh, O_CLOEXEC);
	flight->each = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (flight->each == NULL) {
		int code = cli_fail(EX_CANTCREAT, "%s: %s", path, strerror(errno));

		if (fd >= 0) {
			unlink(flight->each_fresh);
			close(fd);
		}
		unfinished = flight->each_fresh = NULL;
		return code;
	}
	fputs("email,at,verdict,until,rule,holder,text\r\n", flight->each);
	return EX_OK;
}

/* Why a write failed long ago is not known any more. */
static int end_each(struct flight *flight, int code)
{
	const char *why = NULL;

	if (flight->each == NULL)
		return code;
	if (ferror(flight->each))
		why = "cannot be written";
	if (fclose(flight->each) != 0)
		why = strerror(errno);
	flight->each = NULL;
	flight->each_whole = code == EX_OK && why == NULL;
	return code == EX_OK && why != NULL ? cli_fail(EX_IOERR, "%s: %s", flight->each_path, why) : code;
}

static int place_each(const struct flight *flight, int code)
{
	if (flight->each_fresh == NULL)
		return code;
	if (!flight->each_whole || rename(flight->each_fresh, flight->each_path) != 0) {
		if (flight->each_whole)
			code = cli_fail(EX_CANTCREAT, "%s: %s", flight->each_path, strerror(errno));
		unlink(flight->each_fresh);
	}
	unfinished = NULL;
	return code;
}

static int read_list(struct flight *flight, FILE *file)
{
	const struct cli_csv_file csv = {.name = flight->cli->operands[0],
	    .plain = cli_has(flight->cli, "plain"),
	    .keys = true,
	    .row = take_row,
	    .context = flight,
	    .mistakes = &flight->mistakes};
	int code = cli_csv_read(&csv, file);

	if (code == EX_OK && flight->mistakes > 0)
		code = cli_fail(EX_DATAERR, "%zu mistake%s; nothing was summed up", flight->mistakes,
		    flight->mistakes == 1 ? "" : "s");
	if (code == EX_OK && flight->chunk > 0)
		ask_chunk(flight);
	if (isatty(STDERR_FILENO) && flight->asked >= PROGRESS_EVERY)
		fputc('\n', stderr);
	return code;
}

static int prepare(struct flight *flight)
{
	struct cli *cli = flight->cli;
	int code = cli_time(cli, "at", &flight->start_us);

	if (code == EX_OK && flight->start_us < cli->now_us)
		code = cli_fail(
		    EX_USAGE, "--at: %s has passed; tact replay tells of the past", cli_value(cli, "at"));

	flight->by_rule.arena = flight->by_holder.arena = flight->by_day.arena = flight->monitored.arena =
	    cli->arena;
	if (code == EX_OK && !cli_has(cli, "stream"))
		code = cli_fail(EX_USAGE, "preflight wants --stream");
	if (code == EX_OK)
		code = read_rate(flight);
	if (code == EX_OK)
		code = cli_open(cli, CLI_READ);
	if (code == EX_OK) {
		flight->rules = &cli->config->rules;
		code = find_stream(flight);
	}
	return code;
}

static int fly(struct flight *flight, FILE *file)
{
	int code = prepare(flight);

	if (code == EX_OK)
		code = read_list(flight, file);
	code = end_each(flight, code);
	if (code != EX_OK)
		return code;
	sort(flight);
	if (flight->cli->json)
		tell_json(flight);
	else
		tell_text(flight);
	if (flight->undecided > 0)
		return cli_fail(cli_exit_code(flight->result), "%" PRIu64 " undecided: %s", flight->undecided,
		    flight->err.text);
	return EX_OK;
}

/* What is left of root: it alone may put the file in its place, once the other process is done. A reader who
 * left early is no news, here as without root: a shell calls that 141. */
static int await(struct flight *flight, int told, pid_t pid)
{
	char whole;
	int status;

	flight->each_whole = read(told, &whole, 1) == 1;
	if (waitpid(pid, &status, 0) != pid)
		return cli_fail(EX_SOFTWARE, "preflight: %s", strerror(errno));
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE)
		return 128 + SIGPIPE;
	return WIFEXITED(status) ? WEXITSTATUS(status)
				 : cli_fail(EX_SOFTWARE, "preflight ended before it was done");
}

static void fly_and_exit(struct flight *flight, FILE *file, int told)
{
	int code = fly(flight, file);

	if (flight->each_whole && write(told, "w", 1) != 1)
		code = cli_fail(EX_OSERR, "%s: %s", flight->each_path, strerror(errno));
	cli_close(flight->cli);
	_exit(cli_finish_output(code));
}

/* As somebody else, who may not write where root may. */
static int fly_apart(struct flight *flight, FILE *file)
{
	int told[2], code;
	pid_t pid;

	if (pipe2(told, O_CLOEXEC) != 0)
		return cli_fail(EX_OSERR, "%s", strerror(errno));
	fflush(flight->each); /* or both would write what waits there */
	pid = fork();
	if (pid == 0)
		fly_and_exit(flight, file, told[1]);
	close(told[1]);
	code = pid < 0 ? cli_fail(EX_OSERR, "%s", strerror(errno)) : await(flight, told[0], pid);
	close(told[0]);
	return code;
}

/* Files are opened before root becomes somebody who may not. */
static int run(struct cli *cli)
{
	struct flight *flight = tact_calloc(1, sizeof *flight);
	int code = cli_need_operands(cli, 1, 1);
	FILE *file = NULL;

	flight->cli = cli;
	flight->start_us = cli->now_us;
	flight->arena = tact_arena_new();
	if (code == EX_OK) {
		file = strcmp(cli->operands[0], "-") == 0 ? stdin : fopen(cli->operands[0], "re");
		if (file == NULL)
			code = cli_fail(EX_NOINPUT, "%s: %s", cli->operands[0], strerror(errno));
	}
	if (code == EX_OK)
		code = open_each(flight);
	if (code == EX_OK)
		code = flight->each != NULL && geteuid() == 0 ? fly_apart(flight, file) : fly(flight, file);
	if (flight->each != NULL)
		fclose(flight->each);
	code = place_each(flight, code);
	if (file != NULL && file != stdin)
		fclose(file);
	tact_arena_free(&flight->arena);
	free(flight->known.slots);
	free(flight);
	return code;
}

const struct cli_verb cli_preflight = {"preflight", "FILE",
    "Tell what would become of a campaign to the people on a list; nothing is written.", options, run};
