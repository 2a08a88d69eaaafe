/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What the programs of `make bench` share: the people in the store, and clocks. Measures, judges nothing.
 */
#ifndef TACT_BENCH_H
#define TACT_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

/* Person NUMBER of the store that fill makes. Every BENCH_SUPPRESSED-th wants no mail at all. */
#define BENCH_ADDRESS "person%08llu@customers.example"
#define BENCH_SUPPRESSED 10
#define BENCH_CONTACTS 8 /* of a dossier, before the run adds more */

/* The I-th of COUNT numbers below COUNT, each once, far from the order of keys and of numbers. COUNT must not
 * be a multiple of the stride, a prime. */
static inline uint64_t bench_scatter(uint64_t i, uint64_t count)
{
	return i % count * UINT64_C(2147483647) % count;
}

/* The I-th person, of COUNT, who is suppressed or is not. */
static inline uint64_t bench_person(uint64_t i, uint64_t count, int suppressed)
{
	const uint64_t rest = BENCH_SUPPRESSED - 1;
	uint64_t groups = count / BENCH_SUPPRESSED;

	if (suppressed)
		return bench_scatter(i, groups) * BENCH_SUPPRESSED;
	i = bench_scatter(i, groups * rest);
	return i / rest * BENCH_SUPPRESSED + 1 + i % rest;
}

static inline int64_t bench_now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* CPU time of this thread, for what is shorter than a microsecond. */
static inline double bench_cpu_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int64_t bench_own_cpu_us(void)
{
	struct rusage usage;

	(void)getrusage(RUSAGE_SELF, &usage);
	return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts. 0 when there is nothing. */
static inline double bench_quantile(double *values, size_t count, double q)
{
	if (count == 0)
		return 0;
	qsort(values, count, sizeof *values, bench_compare);
	return values[(size_t)((double)(count - 1) * q)];
}

/* What load and floor print: one object on one line, read by run.py. */
static inline void bench_report(
    double *latencies_us, size_t count, double seconds, int64_t cpu_us, int64_t own_cpu_us)
{
	double per_message = count > 0 ? (double)cpu_us / (double)count : 0;
	double own = count > 0 ? (double)own_cpu_us / (double)count : 0;

	printf(
	    "{\"messages\": %zu, \"per_second\": %.1f, \"p50_us\": %.0f, \"p99_us\": %.0f, \"cpu_us\": %.2f, "
	    "\"client_cpu_us\": %.2f}\n",
	    count, (double)count / seconds, bench_quantile(latencies_us, count, 0.5),
	    bench_quantile(latencies_us, count, 0.99), per_message, own);
}

#endif
