/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * The seeded simulation: the pipeline as it is, over weeks of virtual time, with everything going wrong that
 * may, against an oracle that counts what was handed over. A seed always gives the same world; a few are run
 * twice to make sure.
 *
 * simulation [--seed N | --from N --count M] [--verbose] [--engine memory|lmdb|postgres:…] [--break NAME]
 * [--threads N] Without any, some hundred seeds run, and then it is seen that rules which are told wrongly
 * are noticed. Sanitizers (TACT_SANITIZED) look for what tact does to memory, not for what the oracle
 * notices: they get fewer seeds, threads as well, and no rules that are told wrongly.
 */
#include <config.h>

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

#define REPLAY_EVERY 50
#define NOTICED_WITHIN 300
#define THREADS 4
#define THREADED_SEEDS 30
#define SEEDS 300
#define SANITIZED_SEEDS 60

static char folder[64];

static struct tact_keyring *make_keyring(void)
{
	struct tact_keyring *keyring = NULL;
	struct tact_error err = {""};
	char path[96];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/key", folder);
	(void)umask(077);
	file = fopen(path, "w");
	if (file == NULL || fprintf(file, "%064d\n", 7) < 0 || fclose(file) != 0 ||
	    tact_facts_load_keyring(path, &keyring, &err) != TACT_OK) {
		fprintf(stderr, "simulation: no key: %s\n", err.text);
		exit(1);
	}
	return keyring;
}

static void clean_up(void)
{
	char command[128];

	(void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "simulation: %s stays\n", folder);
}

static void print_figures(const struct figures *f)
{
	printf("%" PRIu64 " seeds: %" PRIu64 " mails, handed in %" PRIu64 " times for %" PRIu64
	       " recipients; %" PRIu64 " delivered, %" PRIu64 " delayed, %" PRIu64 " quarantined, %" PRIu64
	       " refused, %" PRIu64 " undecided, %" PRIu64 " bounced\n",
	    f->seeds, f->mails, f->submissions, f->recipients, f->delivered, f->delayed, f->quarantined,
	    f->refused, f->undecided, f->bounced);
	printf("went wrong: %" PRIu64 " retries, %" PRIu64 " crashes, %" PRIu64 " lost answers, %" PRIu64
	       " doubled at the next hop, %" PRIu64 " changes tried twice, %" PRIu64
	       " decisions within others; "
	       "%" PRIu64 " changes by people, %" PRIu64 " plans of campaigns, %" PRIu64
	       " deeds about them, %" PRIu64 " reloads, %" PRIu64 " rings\n",
	    f->retries, f->crashes, f->lost, f->doubled, f->repeated, f->meanwhile, f->changes, f->plans,
	    f->deeds, f->reloads, f->rings);
	printf("the oracle asked: %" PRIu64 " windows of what was delivered, %" PRIu64
	       " rules about people, %" PRIu64 " reasons to hold back, %" PRIu64
	       " waits at the gate, %" PRIu64 " places to the microsecond, "
	       "%" PRIu64 " orders of arbitration, %" PRIu64 " places that campaigns hold, %" PRIu64
	       " mails of campaigns that may be stopped, %" PRIu64 " firm places, %" PRIu64
	       " looks ahead, %" PRIu64 " rates of campaigns, %" PRIu64
	       " second addresses with a life of their own\n",
	    f->windows, f->people, f->justified, f->told, f->exact, f->arbitrated, f->planned, f->stopped,
	    f->firm, f->ahead, f->rates, f->joined);
}

/* Answers whether it ran clean. */
static bool run_seed(uint64_t seed, const struct options *options, struct figures *figures)
{
	uint64_t hash, again;
	char *complaint;
	struct figures unused = {0};

	if (options->threads > 0)
		complaint = threads_run(seed, options, options->threads, figures);
	else
		complaint = world_run(seed, options, figures, &hash);
	if (complaint == NULL && options->threads == 0 && seed % REPLAY_EVERY == 0) {
		complaint = world_run(seed, options, &unused, &again);
		if (complaint == NULL && hash != again)
			complaint = tact_strdup("the same seed went another way");
	}
	if (complaint == NULL)
		return true;
	printf("seed %" PRIu64 ": %s\n", seed, complaint);
	free(complaint);
	return false;
}

/* Each way of telling tact something else than the oracle must be noticed soon. */
static bool notices_breakages(struct options options)
{
	struct figures unused = {0};
	uint64_t hash, seed;
	bool all = true;

	for (int i = 1; i < BREAKAGES; i++) {
		char *complaint = NULL;

		options.threads = i == BREAK_RACE ? THREADS : 0;

		options.breakage = (enum breakage)i;
		for (seed = 1; complaint == NULL && seed <= NOTICED_WITHIN; seed++)
			complaint = options.threads > 0
					? threads_run(seed, &options, options.threads, &unused)
					: world_run(seed, &options, &unused, &hash);
		printf("break %s: %s\n", rules_breakage_name(options.breakage),
		    complaint == NULL ? "not noticed" : "noticed");
		all = all && complaint != NULL;
		free(complaint);
	}
	return all;
}

/* Deciders that truly ask at once, over both engines that are at hand. Answers how many seeds failed. */
static uint64_t run_threads(struct options options)
{
	uint64_t failed = 0;

	options.threads = THREADS;
	for (int lmdb = 0; lmdb < 2; lmdb++) {
		struct figures figures = {0};

		options.lmdb = lmdb == 1;
		for (uint64_t seed = 1; seed <= THREADED_SEEDS; seed++)
			failed += !run_seed(seed, &options, &figures);
		printf("%d threads over %s: %" PRIu64 " seeds, %" PRIu64 " messages, %" PRIu64
		       " answers lost, %" PRIu64 " delivered, %" PRIu64 " windows asked, %" PRIu64
		       " reasons to hold back\n",
		    THREADS, lmdb == 1 ? "lmdb" : "memory", figures.seeds, figures.submissions, figures.lost,
		    figures.delivered, figures.windows, figures.justified);
	}
	return failed;
}

static enum breakage parse_breakage(const char *name)
{
	for (int i = 0; i < BREAKAGES; i++)
		if (strcmp(rules_breakage_name((enum breakage)i), name) == 0)
			return (enum breakage)i;
	fprintf(stderr, "simulation: there is no breakage \"%s\"\n", name);
	exit(2);
}

static const struct option long_options[] = {{"seed", required_argument, NULL, 's'},
    {"from", required_argument, NULL, 'f'}, {"count", required_argument, NULL, 'c'},
    {"verbose", no_argument, NULL, 'v'}, {"engine", required_argument, NULL, 'e'},
    {"break", required_argument, NULL, 'b'}, {"threads", required_argument, NULL, 't'}, {NULL, 0, NULL, 0}};

static void parse(int argc, char **argv, struct options *options, uint64_t *from, uint64_t *count)
{
	int letter;

	while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (letter) {
		case 's':
			*from = strtoull(optarg, NULL, 10);
			*count = 1;
			break;
		case 'f':
			*from = strtoull(optarg, NULL, 10);
			break;
		case 'c':
			*count = strtoull(optarg, NULL, 10);
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'e':
			options->lmdb = strcmp(optarg, "lmdb") == 0;
			options->url = strchr(optarg, ':') != NULL ? optarg : NULL;
			/* The database's clock is to be the world's. */
			setenv("TACT_TEST_CLOCK", "the world's", 1);
			break;
		case 't':
			options->threads = atoi(optarg);
			break;
		case 'b':
			options->breakage = parse_breakage(optarg);
			break;
		default:
			exit(2);
		}
	}
}

int main(int argc, char **argv)
{
	struct options options = {0};
	struct figures figures = {0};
	bool sanitized = getenv("TACT_SANITIZED") != NULL;
	uint64_t from = 1, count = sanitized ? SANITIZED_SEEDS : SEEDS, failed = 0;
	struct tact_keyring *keyring;

	parse(argc, argv, &options, &from, &count);
	(void)snprintf(folder, sizeof folder, "%s/tact-simulation-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL) {
		perror("simulation");
		return 1;
	}
	keyring = make_keyring();
	options.keyring = keyring;
	options.folder = folder;
	for (uint64_t i = 0; i < count; i++) {
		failed += !run_seed(from + i, &options, &figures);
		if ((i + 1) % 100 == 0 && !options.verbose)
			printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " failed so far, %" PRIu64
			       " delivered\n",
			    from + i - 99, from + i, failed, figures.delivered);
		(void)fflush(stdout);
	}
	print_figures(&figures);
	if (argc == 1) {
		failed += run_threads(options);
		failed += !sanitized && !notices_breakages(options);
	}
	tact_facts_free_keyring(&keyring);
	clean_up();
	return failed > 0;
}
