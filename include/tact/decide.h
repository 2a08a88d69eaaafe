/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * decide: the pipeline. Facts and dossier to verdicts, durable; the same for milter, gate, bell and the verbs
 * of tact.
 *
 * Order of every recorded decision: store update committed, one evidence append for the message, then the
 * answer. Whatever fails on that way leaves the recipient undecided, and undecided is a temp-fail
 * (451 4.3.0), never an accept.
 *
 * Thread rule: a decider serves any number of threads; what it returns lives in the caller's arena. Never use
 * one across fork(). Deadlines are tact_clock_monotonic_ms() values, 0 for none; now_us comes from the
 * caller, once per message.
 */
#ifndef TACT_DECIDE_H
#define TACT_DECIDE_H

#include <stdatomic.h>

#include <tact/audit.h>
#include <tact/policy.h>
#include <tact/store.h>

/* ---- identity ------------------------------------------------------------------------------------------ */

enum tact_opening {
	/* to read: a store that is in use stays as it is, without a recovery key if it has none */
	TACT_OPEN_READ,
	/* to change what people wish: a store of before there were recovery keys gets one, unless one may
	 * not set its identity here */
	TACT_OPEN_CHANGE,
	/* makes the given key and profile current, keeping the earlier ones listed (needs the earlier secrets
	 * in the keyring) */
	TACT_OPEN_ADOPT
};
/* Holds the keyring and canonical profile against the store's identity. An unused store takes them on.
 * TACT_OK fills ret: the current profile first, then every earlier one; recovery_day 0 is no recovery key.
 * TACT_REFUSED: the store was made with another key or other canonical options; err says which and what to
 * do. Else as the store answered. */
int tact_decide_open_identity(struct tact_store *store, const struct tact_keyring *keyring,
    const struct tact_canonical_profile *profile, enum tact_opening opening, struct tact_arena *arena,
    struct tact_identity *ret, struct tact_error *err);

/* A store without an identity is new. Evidence of decisions or changes in AUDIT_DIR says that there was
 * another before it, whose wishes this one does not know: TACT_REFUSED then, with what to do. To be asked
 * before tact_decide_open_identity, except where a person says otherwise. */
int tact_decide_check_new_store(struct tact_store *store, const char *audit_dir, struct tact_error *err);

/* Aliases made under an earlier key and not again since: what is told under them is known under them alone.
 * Reads every alias of a store that has gone over to another key, and of any other nothing. Those of which
 * it was not written down are left out: named by nothing but a key when there were several, or made before
 * that was kept. TACT_OK, or as the store answered. */
int tact_decide_count_earlier_aliases(
    struct tact_store *store, const struct tact_identity *identity, uint64_t *ret, struct tact_error *err);

/* ---- what waits on this relay -------------------------------------------------------------------------- */

/* Counts of waiting recipients by stream and by ring slot, in memory shared by the processes of one tactd
 * (made before fork). Approximate by nature: bounds, never facts. */
struct tact_ledger;
struct tact_ledger *tact_ledger_new(void);
void tact_ledger_free(struct tact_ledger **ledger);
/* count may be negative; slot < 0: none */
void tact_ledger_add(struct tact_ledger *ledger, const char *stream, int64_t slot, int64_t count);
int64_t tact_ledger_waiting(const struct tact_ledger *ledger, const char *stream);
int64_t tact_ledger_slot(const struct tact_ledger *ledger, int64_t slot);
void tact_ledger_clear(struct tact_ledger *ledger);

/* ---- the decider --------------------------------------------------------------------------------------- */

struct tact_decider;
struct tact_decider_parts {
	struct tact_store *store;	      /* borrowed */
	struct tact_audit *audit;	      /* borrowed; NULL only for readers (explain, show) */
	const struct tact_identity *identity; /* borrowed */
	const char *host;		      /* borrowed */
	struct tact_ledger *ledger;	      /* borrowed; NULL: nothing is bounded */
	/* Who counts what comes of campaigns: with the host, one writer of its own counts, so no two
	 * processes at a time ("gate", "smtp"); borrowed. NULL: a verb, whose counts are added to those of
	 * other verbs. */
	const char *writer;
	int64_t max_skew_us; /* the store's clock may differ by so much before all is undecided; 0: by any */
};
struct tact_decider *tact_decider_new(const struct tact_decider_parts *parts);
void tact_decider_free(struct tact_decider **decider);
/* Puts RULES in force for every decision that starts from now on; release(owner) is called when the last
 * decision under them ended. */
void tact_decider_set_rules(struct tact_decider *decider, const struct tact_rule_set *rules,
    void (*release)(void *owner), void *owner);
/* The rules in force, held until put back. */
const struct tact_rule_set *tact_decider_take_rules(struct tact_decider *decider);
void tact_decider_put_rules(struct tact_decider *decider, const struct tact_rule_set *rules);
/* Appends start, policy or stop to the evidence, or a change of many people at once (an import). detail: free
 * text in clear ("3 bytes torn"), may be NULL. */
int tact_decide_record(struct tact_decider *decider, enum tact_audit_kind kind, const char *detail,
    int64_t now_us, struct tact_error *err);

/* ---- campaigns ------------------------------------------------------------------------------------------
 */

/* What is known of campaigns is read at most every two seconds, and used for at most 30 when it cannot be. Of
 * a store of several parts that goes for each part's records by themselves. Counts, of which every campaign
 * has some in every part, are those of one moment at which all parts answered and had done so for ten
 * seconds, so that all writers had caught up; without such a moment within 30 seconds they are not known, and
 * mail that a breaker acts on is undecided (tact_policy_lacks_counts): a rate of some of them may be far too
 * low or too high. Less than five seconds away is not away; and a store of one part owes no such ten seconds,
 * for while it is away no mail passes, and nothing is counted. A program that has just begun takes its first
 * whole reading. A server that is started anew, or a standby that takes over, within thirty seconds holds up
 * only those whose own records stand there, and what may be sent and complained of in that time is little.
 * Parts are read one after the other: one that hangs delays what is read of the others by as long as it is
 * waited for (tact_store_scan_part), and is asked again no sooner than after five seconds. */
#define TACT_CAMPAIGNS_FRESH_MS 2000
#define TACT_CAMPAIGNS_STALE_MS 30000

/* All campaigns as of at most TACT_CAMPAIGNS_FRESH_MS ago, held until put back. NULL, and words in err (may
 * be NULL), when they could not be read, or not from all parts of the store, for TACT_CAMPAIGNS_STALE_MS:
 * mail of a campaign that is not known is undecided then. */
const struct tact_campaigns *tact_decider_take_campaigns(
    struct tact_decider *decider, struct tact_error *err);
void tact_decider_put_campaigns(struct tact_decider *decider, const struct tact_campaigns *campaigns);

/* One campaign whose state was changed by what came of it. */
typedef void (*tact_campaign_fn)(void *context, const struct tact_campaign *campaign);
/* To be called every second by each process that decides: writes what it counted, reads the campaigns anew,
 * writes down which ones a breaker stopped, which run and which are over (each once, whoever is first; with a
 * change entry), and calls changed (may be NULL) for those. TACT_OK, or as the store answered; what was not
 * written is written the next time. What was counted and not yet written is lost when a process is killed:
 * a second's worth. */
int tact_decide_tend_campaigns(struct tact_decider *decider, int64_t now_us, tact_campaign_fn changed,
    void *context, struct tact_error *err);
/* Another number whenever a campaign may have freed or taken places, or one that was not known is known
 * again: then whatever waits is to be looked at again (tact_decide_rewake). While a part of the store is away
 * the campaigns of the others count. */
uint64_t tact_decide_campaigns_mark(struct tact_decider *decider);

enum tact_campaign_deed {
	TACT_CAMPAIGN_PAUSE,
	TACT_CAMPAIGN_RESUME,
	TACT_CAMPAIGN_CANCEL,
	TACT_CAMPAIGN_FINISH
};
/* Changes a campaign by its name; one that was never planned is made for it, but for resume and finish:
 * TACT_ABSENT. TACT_REFUSED with words: cancelled is for good; nothing to resume; one that a breaker stopped
 * needs a reason to go on. TACT_UNAVAILABLE also when a breaker stopped it and not all its counts can be
 * read. Already so: TACT_OK and *ret_changed false; of resume that is what the same person did for the same
 * reason within retry_window, as the latest that was done. Durable with a change entry; where that could not
 * be written, doing so again within retry_window writes it ("known already"). */
int tact_decide_campaign(struct tact_decider *decider, struct tact_arena *arena, const char *name,
    enum tact_campaign_deed deed, const char *by, const char *why, int64_t now_us, struct tact_campaign *ret,
    bool *ret_changed, struct tact_error *err);

struct tact_planned {
	uint64_t claimed; /* claims that were made or changed */
	uint64_t known;	  /* stood there already, or were taken by mail */
	uint64_t full;	  /* had no room: TACT_DOSSIER_CLAIMS_MAX waiting */
	uint64_t unreadable;
};
/* Plans a campaign (name, stream, owner, brand, offer, priority, planned_us, not_after_us, by) for the people
 * that next() names by key, in any order, each once: its record first, then a claim each, in chunks that
 * leave the store to mail. Again is the same: claims that stand are left as they are. TACT_REFUSED: it was
 * planned for another stream, or is paused, cancelled or done. Durable with a change entry. */
typedef bool (*tact_plan_next_fn)(void *context, struct tact_id *ret_key);
int tact_decide_plan(struct tact_decider *decider, const struct tact_campaign *campaign,
    const struct tact_facts *facts, tact_plan_next_fn next,
    void (*progress)(void *context, const struct tact_planned *planned), void *context, int64_t now_us,
    struct tact_planned *ret, struct tact_error *err);

/* ---- a message at the milter --------------------------------------------------------------------------- */

/* What happens to one recipient. The milter turns the lot into Postfix's terms (DESIGN §3's table). */
enum tact_fate {
	TACT_FATE_PASS, /* stays on the message */
	TACT_FATE_GATE, /* delayed: rewritten to the gate (or 451 when tempfail and all are) */
	/* quarantined: rewritten to the review domain (or held whole when hold and all are) */
	TACT_FATE_REVIEW,
	/* rejected: 550 when all are; else rewritten to the gate, which refuses it */
	TACT_FATE_REFUSE,
	TACT_FATE_UNDECIDED, /* 451 for the whole message */
};

/* The ruling on one recipient. */
struct tact_ruling {
	const char *given; /* as the client gave it */
	/* index of the first recipient of this message that is the same person; own index if none before */
	size_t first;
	struct tact_recipient recipient;
	enum tact_fate fate;
	struct tact_opinion opinion; /* what the rules said, also when monitored */
	bool monitored;		     /* mode = monitor: fate is PASS whatever the opinion says */
	struct tact_match match;
	struct tact_facts facts;
	struct tact_id decision; /* evidence id */
	/* key of the dossier that was (or may have been) written; none when nothing was */
	struct tact_id written;
	/* GATE, REVIEW and REFUSE: */
	struct tact_id claim;
	const char *ring;    /* "s29921760"; "" when nothing is to be queued */
	bool tempfail, hold; /* delay_by, quarantine_by of the stream */
	bool add_notify;     /* NOTIFY=FAILURE is to be added */
	/* UNDECIDED: */
	int result; /* TACT_UNAVAILABLE, TACT_UNCERTAIN, TACT_CORRUPT, TACT_REFUSED (max_waiting) */
	/* what to tell the client: code "5.7.1", text without code, printable ASCII, ≤ 200 */
	const char *code, *text;
	/* of the whole message, when it is let on (passes, is rewritten or held); NULL: none */
	const struct tact_header_edits *edits;
};

struct tact_asked {
	const char *given;  /* address, with or without <> */
	const char *notify; /* the client's NOTIFY value, or NULL */
	const struct tact_recipient
	    *known; /* who this is, as an earlier ruling on this address found out; NULL: to be found out */
};

struct tact_decide_request {
	const struct tact_message *message; /* finished, or envelope only for tact_decide_rcpt */
	const struct tact_asked *asked;
	size_t asked_count;
	const char *excerpt; /* first words of the body, or NULL */
	/* What content rules read; at most content_max of it. NULL: not kept, and whom such a rule concerns
	 * is undecided. */
	const struct tact_body *body;
	int64_t now_us;
	int64_t deadline_ms;
	/* Taken by the caller, to be put back when it is done with the rulings: names in them (stream, owner,
	 * brand, rule) are the rules' own. NULL: the rules in force, and after a reload those names are gone.
	 */
	const struct tact_rule_set *rules;
};

/* At RCPT: reads only. Fills one ruling: REFUSE when the stream is certain and a suppression (or a form of
 * address that cannot be kept apart) refuses, its evidence durable; UNDECIDED when the store cannot answer;
 * PASS means "ask again at end of message". err (may be NULL) gets words for the log when UNDECIDED. */
void tact_decide_rcpt(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err);
/* At end of message: decides every recipient, records, answers. Always fills asked_count rulings. err (may be
 * NULL) gets words for the log when any is undecided. When the sum is TEMPFAIL, what was written is marked
 * open (see reopen) before it returns. */
void tact_decide_message(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err);
/* The client is told 451 after all (an edit failed): contacts and claims made for these rulings are marked
 * open, so that the retry is found by its id however late it comes. Best effort. */
void tact_decide_reopen(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_ruling *rulings, size_t count, int64_t now_us, int64_t deadline_ms);
/* The same questions without recording anything: explain and preflight. */
void tact_decide_explain(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_decide_request *request, struct tact_ruling *ret, struct tact_error *err);
/* ---- foresight: mail that is not there yet ---- */

/* One recipient of such mail, and what would become of it. */
struct tact_foresight {
	const struct tact_recipient *recipient;
	int64_t at_us; /* when it would come */
	int result;    /* TACT_OK, or why this person cannot be asked about (as the store answered) */
	struct tact_opinion opinion; /* with TACT_OK */
};
/* Asks about mail of FACTS, carried by STREAM, to each of these people at each its time; nothing is written.
 * RULES are in force meanwhile (tact_decider_take_rules). Answers the worst result; err (may be NULL) gets
 * words for it. What only a message can tell (its content, its Message-ID) is not asked. */
int tact_decide_foresee(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_rule_set *rules, const struct tact_stream *stream, const struct tact_facts *facts,
    struct tact_foresight *list, size_t count, struct tact_error *err);

/* ---- replay: other rules over what was ---- */

/* One mail of the past to the person whose dossier is at hand. */
struct tact_past {
	int64_t at_us;			  /* when it was decided */
	const struct tact_stream *stream; /* of the rules it is replayed under */
	struct tact_facts facts;
	/* content rules that fired then: what they read is gone, so that those of these names fire again, and
	 * no other does */
	struct tact_names content;
	/* Filled: what it would have been told then, and what would have come of it. */
	enum tact_verdict verdict;
	const char *rule;   /* name of the rule that makes the verdict, "" when none does; the rules' own */
	const char *holder; /* who would have held the place, or "" */
	int64_t until_us;   /* DELAY: the place it would have been told */
	/* ACCEPT: it went, at once or at its place; REJECT: refused, at once or at the gate; DELAY: still
	 * waiting at the end; QUARANTINE: in review */
	enum tact_verdict end;
	int64_t end_us; /* when; 0 for DELAY and QUARANTINE */
};
/* Lives through the mails PAST (in order of time, all from FROM_US on) again under RULES, over what DOSSIER
 * tells of the time: contacts before FROM_US and, later, those that were no mail of this relay's; wishes and
 * permissions from the moment they were made until they ended. What would have passed counts from when it
 * would have, until UNTIL_US. Pure. */
void tact_decide_replay(struct tact_arena *arena, const struct tact_rule_set *rules,
    const struct tact_dossier *dossier, int64_t from_us, int64_t until_us, struct tact_past *past,
    size_t count);

/* What the lot comes to (DESIGN §3's table): the milter does it, and the evidence says so. */
enum tact_sum {
	TACT_SUM_CONTINUE, /* everybody passes */
	TACT_SUM_EDIT,	   /* some or all are rewritten */
	TACT_SUM_REJECT,   /* 550, code and text of the first */
	TACT_SUM_TEMPFAIL, /* 451: somebody is undecided, or all wait with delay_by = tempfail */
	TACT_SUM_HOLD	   /* all quarantined with quarantine_by = hold */
};
enum tact_sum tact_decide_sum(const struct tact_ruling *rulings, size_t count);
/* How much of bodies the rules in force want at most: content_max for content rules that look into them, the
 * first words for a reviewer where any rule can quarantine, else 0. */
#define TACT_EXCERPT_BYTES 600
size_t tact_decide_wants_body(struct tact_decider *decider);
/* The first words of a body as it came: on one line, printable, at most TACT_EXCERPT_BYTES. */
char *tact_decide_excerpt(struct tact_arena *arena, const char *body, size_t size_bytes);
/* Does any rule in force change header fields? */
bool tact_decide_wants_edits(struct tact_decider *decider);

/* ---- the gate ------------------------------------------------------------------------------------------ */

/* The address under which Postfix keeps a recipient: CLAIM.BASE32@RING.DOMAIN. */
char *tact_decide_gate_address(struct tact_arena *arena, const struct tact_id *claim, const char *given,
    const char *ring, const char *domain);
/* Its inverse. DOMAIN is the gate's or the review domain. TACT_OK or TACT_INVALID. given comes back byte for
 * byte. */
int tact_decide_read_gate_address(struct tact_arena *arena, const char *address, const char *domain,
    struct tact_id *ret_claim, const char **ret_given, const char **ret_ring);

enum tact_look {
	/* not due, under review, or waiting anew: 451 code/text; nothing was written */
	TACT_LOOK_WAIT,
	TACT_LOOK_TAKE,	   /* send the body; then tact_decide_take */
	TACT_LOOK_DROP,	   /* passed before: take the body, answer 250, forget it */
	TACT_LOOK_REFUSE,  /* nobody's address, refused at the milter among others: 550 code/text */
	TACT_LOOK_UNKNOWN, /* no such claim for this person: 451 */
	TACT_LOOK_FAIL	   /* store cannot answer: 451 4.3.0 */
};
struct tact_waiting {
	struct tact_id claim;
	const char *given; /* decoded from the address */
	enum tact_look look;
	int64_t until_us;
	const char *code, *text;
	bool notify_added;
	const char *ring;
	const char *queue_id; /* as the claim has it; "" when not known */
	/* Filled by tact_decide_take: */
	/* PASS: hand on; REFUSE: hand to the refusing listener; GATE, REVIEW, UNDECIDED: 451 code text */
	enum tact_fate fate;
	struct tact_id decision;
	struct tact_id key; /* where the claim stands */
};
/* Fills look, until, code, text, notify_added, key from claim and given: a read. err (may be NULL) gets words
 * for the log on FAIL. */
void tact_decide_look(struct tact_decider *decider, struct tact_arena *arena, struct tact_waiting *waiting,
    int64_t now_us, int64_t deadline_ms, struct tact_error *err);
/* Decides those whose look is TAKE again, with the whole message: today's dossier and rules, the stream kept
 * in the claim. PASS has its contact written and its evidence durable; it is PASSING until
 * tact_decide_passed. A claim that passed meanwhile has look set to DROP. */
void tact_decide_take(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_message *message, const struct tact_body *body, const char *excerpt,
    struct tact_waiting *waiting, size_t count, int64_t now_us, int64_t deadline_ms, struct tact_error *err);
/* The next hop answered 250 (reinjected_id may be NULL): the claims with fate PASS become passed, those with
 * REFUSE bounced; durable, with an outcome entry each, before TACT_OK. */
int tact_decide_passed(struct tact_decider *decider, struct tact_arena *arena, struct tact_waiting *waiting,
    size_t count, const char *queue_id, const char *reinjected_id, int64_t now_us, int64_t deadline_ms,
    struct tact_error *err);

/* ---- the bell ------------------------------------------------------------------------------------------ */

struct tact_bell_claim {
	struct tact_id claim;
	struct tact_store_key key; /* dossier or review */
	const char *ring;	   /* label */
	bool review;		   /* ring stands under the review domain */
	const char *queue_id;	   /* as the claim has it; "" when not known, and for reviews */
	const char *stream;
	int64_t place_us;
	int64_t made_us;
	bool lapsed;  /* an hour past its place */
	bool passing; /* handed on once, and the answer never came: to be fetched again */
	bool shared; /* a claim of another relay in the same record is due: its wake time is right as it is */
};
/* Claims and released reviews of this relay whose wake time lies in (after_us, until_us], each record read
 * and its places derived anew; place_us may be later than now (bumped: the record's wake time is put right by
 * tact_decide_refresh). Page by page: about LIMIT records, never parting those of one instant. ret_next_us is
 * the next page's after_us; until_us at the end. */
int tact_decide_due_page(struct tact_decider *decider, struct tact_arena *arena, int64_t after_us,
    int64_t until_us, size_t limit, int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count,
    int64_t *ret_next_us, struct tact_error *err);
/* The same for those in one part of the store, which needs no other part (tact_store_layout). */
int tact_decide_layout(struct tact_decider *decider, struct tact_store_layout *ret, struct tact_error *err);
int tact_decide_due_part(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, int64_t until_us, size_t limit,
    int64_t now_us, struct tact_bell_claim **ret, size_t *ret_count, int64_t *ret_next_us,
    struct tact_error *err);
/* Writes a record's state forward: lapsed claims and those named (never fetched) become withdrawn, wake time
 * set anew, outcome entries. */
int tact_decide_refresh(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_key *key, const struct tact_id *withdraw, size_t withdraw_count, int64_t now_us,
    int64_t deadline_ms, struct tact_error *err);
/* Puts right the wake times of about LIMIT records of one part that wait since later than after_us, as
 * campaigns now are. ret_next_us: the next page's after_us; INT64_MAX at the end. TACT_UNAVAILABLE also when
 * nothing is known of campaigns. */
int tact_decide_rewake(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_store_layout *layout, size_t part, int64_t after_us, size_t limit, int64_t now_us,
    int64_t *ret_next_us, struct tact_error *err);
/* Fills the ledger from everything that waits in one part, from *at_us on (0: from the beginning; INT64_MAX:
 * it is done), and moves that on: what fails goes on from there another time. The ledger is cleared by who
 * begins with all parts. */
void tact_decide_forget_counts(struct tact_decider *decider);
int tact_decide_recount(struct tact_decider *decider, const struct tact_store_layout *layout, size_t part,
    int64_t *at_us, int64_t now_us, struct tact_error *err);

/* ---- the sweep ----------------------------------------------------------------------------------------- */

/* What nobody writes is trimmed too (DESIGN §5): contacts fold and leave with the history, finished claims
 * and ended suppressions go, and records emptied for longer than the history are taken away. Counts of
 * campaigns that counted nothing for as long (and 90 days, which is what they hold) are emptied, and
 * campaigns that are done and were not stopped; one that was stopped, paused or cancelled stays for good.
 * Reads everything, writes only what changes, and rests as long as it writes, so that mail hardly notices;
 * stops early when *stop becomes true (stop may be NULL). */
struct tact_swept {
	uint64_t records, trimmed, removed;
};
int tact_decide_sweep(struct tact_decider *decider, int64_t now_us, const atomic_bool *stop,
    void (*progress)(void *context, const struct tact_swept *swept), void *context, struct tact_swept *ret,
    struct tact_error *err);

/* ---- changes by people and imports --------------------------------------------------------------------- */

enum tact_change_kind {
	TACT_CHANGE_SUPPRESS,
	TACT_CHANGE_UNSUPPRESS,
	TACT_CHANGE_CONTACT,
	TACT_CHANGE_ALIAS,
	TACT_CHANGE_PROFILE,
	TACT_CHANGE_CONSENT,
	TACT_CHANGE_END_CONSENT,
	TACT_CHANGES
};
/* What a profile is to say from now on. */
struct tact_profile_change {
	const char *zone, *home_owner, *language, *own_limit; /* NULL: as it was; "": nothing */
	/* each takes the place of the one of its name, whatever the case; month 0: that one goes */
	const struct tact_occasion *occasions;
	size_t occasions_count;
};
struct tact_change {
	enum tact_change_kind kind;
	struct tact_suppression suppression; /* SUPPRESS: id none = made from scope and reason, so that the
						same wish twice is one. UNSUPPRESS: scope says which (global
						ends only global ones); id, when set, names one */
	/* SUPPRESS for unsubscribe, complaint and hard bounce: the campaign it is counted against, "" for
	 * none; NULL: that of the scope, else of the person's latest mail of the 30 days before it */
	const char *campaign;
	struct tact_contact contact; /* CONTACT */
	struct tact_id alias_of;     /* ALIAS: key of whom it stands for; none: for itself again */
	/* and that person's other keys (tact_recipient.also): what stands there becomes known to the alias */
	const struct tact_id *alias_also;
	size_t alias_also_count;
	struct tact_profile_change profile; /* PROFILE */
	/* CONSENT: takes the place of an older one of its scope, basis and origin (imported or not); one that
	 * is no newer than what is known changes nothing, nor does an imported one where a consent of the
	 * scope was ended. END_CONSENT: its scope says which. */
	struct tact_consent consent;
	const char *by, *why; /* who asked, and the reason (required for UNSUPPRESS and END_CONSENT) */
};
struct tact_changed {
	int result;   /* TACT_OK, or as the store answered; TACT_ABSENT: nothing to end (UNSUPPRESS,
			 END_CONSENT) */
	bool changed; /* false: it was known already */
	uint64_t version;
};
/* Applies changes[i] to recipients[i], durable with a change entry each. Recipients may repeat. Answers the
 * worst result; TACT_UNAVAILABLE also when it was made and its entry could not be written: asked for again
 * within retry_window, the entry is written ("known already"); and when the recipient became an alias, or one
 * of somebody else, or for itself again while it was made: asked for again, it is made where it belongs. */
int tact_decide_change(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    int64_t deadline_ms, struct tact_changed *ret, struct tact_error *err);
/* What would change, without writing: for a dry run. */
int tact_decide_change_preview(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipients, const struct tact_change *changes, size_t count, int64_t now_us,
    struct tact_changed *ret, struct tact_error *err);

/* ---- loading: many people, most of whom are not known yet ---- */

struct tact_load_row {
	struct tact_id key;	   /* of the person: the recipient's */
	struct tact_change change; /* SUPPRESS, CONSENT, PROFILE or CONTACT */
	const char *address;	   /* canonical, for keep_addresses; may be NULL */
};
/* Makes dossiers of the people of whom nothing stands in the store, at the gait of long work. Rows stand in
 * ascending order of keys. No entry of evidence is written for them: the caller's own covers them all
 * (tact_decide_record), and a person gets the key that entries are sealed with when the first mail comes. A
 * row whose person is known in any way is answered TACT_REFUSED: it is for tact_decide_change. Answers the
 * worst result but that. */
int tact_decide_load(struct tact_decider *decider, struct tact_arena *arena, struct tact_store_pace *pace,
    const struct tact_load_row *rows, size_t count, int64_t now_us, struct tact_changed *ret,
    struct tact_error *err);

/* The same in two halves, so that threads can make the next dossiers while another stores these, and with
 * rows that are made when they are asked for. ids: of the rows, ascending. ROW fills *ret (its key is not
 * read), whose texts live until begin answers; what is not TACT_OK is begin's answer. What begin makes lives
 * in the arena and needs IDS until end; when begin fails there is nothing to be ended. */
typedef int (*tact_load_row_fn)(
    void *context, size_t index, struct tact_load_row *ret, struct tact_error *err);
struct tact_load;
int tact_decide_load_begin(struct tact_decider *decider, struct tact_arena *arena, const struct tact_id *ids,
    size_t count, tact_load_row_fn row, void *context, int64_t now_us, struct tact_load **ret,
    struct tact_error *err);
int tact_decide_load_end(
    struct tact_load *load, struct tact_store_pace *pace, struct tact_changed *ret, struct tact_error *err);

/* ---- recovering: wishes that a restored store has forgotten ---- */

struct tact_recovered {
	/* entries: with wishes; of a day before the store's key; of another store's key, or damaged */
	uint64_t read, before, unreadable;
	int64_t before_us; /* the day of the first of those before; 0: there are none */
	/* Those before were sealed with another key than the store's: the backup was made before its store
	 * had one, and what they tell is forgotten. */
	bool other_key;
	uint64_t people, changed; /* named in them; whose record was, or would be, changed */
	uint64_t lost;		  /* whose record cannot be read, so that nothing of theirs is recovered */
	uint64_t suppressions, ended, consents, profiles, aliases; /* that had been forgotten */
};
struct tact_recovery;
/* Gathers in memory, some hundred bytes a person. */
struct tact_recovery *tact_decide_recovery_new(struct tact_decider *decider);
void tact_decide_recovery_free(struct tact_recovery **recovery);
/* One entry's recover field, in any order and any number of times. TACT_OK; TACT_ABSENT: sealed on a
 * day before that of the store's key; TACT_CORRUPT: under another key, or damaged. */
int tact_decide_recovery_take(struct tact_recovery *recovery, const char *text);
/* Looks at everybody who was named, and with APPLY writes what is missing, durable with a change entry each,
 * at the gait of long work. What is there stays: nothing that is newer is undone, and done again it changes
 * nothing. progress may be NULL. TACT_OK, also where some are lost; or as store and evidence answered. */
int tact_decide_recover(struct tact_recovery *recovery, const char *by, bool apply, int64_t now_us,
    void (*progress)(void *context, const struct tact_recovered *so_far), void *context,
    struct tact_recovered *ret, struct tact_error *err);

/* The merged view of one person (aliases followed, all keys asked), for show, export and trails. ret_key:
 * where it is written. */
int tact_decide_view(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipient, struct tact_dossier *ret, struct tact_id *ret_key,
    uint64_t *ret_version, struct tact_error *err);
/* One key that a person was written under, and what its record holds, whoever it stands for by now. */
struct tact_name {
	struct tact_id key;
	uint64_t version; /* 0: there is no record */
	bool has_person_key;
	uint8_t person_key[TACT_SEAL_KEY_BYTES];
};
/* All of them, each once: the recipient's own, whom they stand for, and every alias of either (all aliases of
 * the store are looked at). For trails, since entries made before an alias name the record of that time.
 * ret_all: false when some alias of the store cannot be read, for then nobody can tell whose it is: it may be
 * one more name of this person. TACT_OK, TACT_CORRUPT (an alias or a record that certainly is his), or as the
 * store answered. */
int tact_decide_names(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_recipient *recipient, struct tact_name **ret, size_t *ret_count, bool *ret_all,
    struct tact_error *err);

/* One alias with which something is amiss, and what. PERSON: whom it stands for; NULL: what stands there is
 * no alias. */
typedef void (*tact_alias_fault_fn)(
    void *context, const struct tact_id *alias, const struct tact_id *person, const char *why);
/* Looks at every alias, and at what stands beside it: one whose making or end was broken off half way (also
 * one that somebody makes or ends just now) is mended by being made, or ended, again. TACT_OK, whatever was
 * told; TACT_CORRUPT when some were left out because they cannot be read; or as the store answered. */
int tact_decide_check_aliases(
    struct tact_decider *decider, tact_alias_fault_fn fault, void *context, struct tact_error *err);

/* ---- reviews ------------------------------------------------------------------------------------------- */

typedef bool (*tact_review_fn)(void *context, const struct tact_review *review);
int tact_decide_list_reviews(struct tact_decider *decider, struct tact_arena *arena, tact_review_fn fn,
    void *context, struct tact_error *err);
/* TACT_OK, TACT_ABSENT, TACT_REFUSED (ended already), or as the store answered. Durable with a change entry;
 * the relay's bell rings at once. Where the entry could not be written, ending it again in the same way by
 * the same person with the same note within retry_window writes it ("known already"). */
int tact_decide_end_review(struct tact_decider *decider, struct tact_arena *arena,
    const struct tact_id *review, enum tact_review_state state, const char *by, const char *note,
    int64_t now_us, struct tact_error *err);

#endif
