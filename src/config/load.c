/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Reads the file through libconfuse into sections and entries, in file order. The only file that knows
 * libconfuse; it judges names and syntax, never values.
 *
 * libconfuse 3.3 stops at the first name it does not know, and takes a repeated setting silently. So every
 * option is a list with a callback that notes each value and its line; a hidden first option, which has a
 * default, tells when a section begins; and an unknown name is learned and the text read again, until all of
 * them are found. Its callbacks take no context: `current` is it, and one thread loads at a time.
 */
#include <config.h>

#include <confuse.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

#define MARKER "(section)"
#define MOST_LEARNED 100
#define MOST_STRAYS 100
/* All passes together: a reload is never slow, however wrong a long file is. */
#define MOST_READ_BYTES (8 << 20)
#define DEEPEST 2

/* An unknown name, and what its surroundings make of it. */
struct learned {
	const char *kind, *name;
	enum { AS_OPTION, AS_SECTION, AS_TITLED } as;
};

struct pass {
	struct reading *reading;
	cfg_t *root;
	cfg_t **cfgs; /* of reading->sections, while they are being read */
	size_t cfgs_count;
	struct learned *learned;
	size_t learned_count;
	size_t length, read_bytes;
	bool again;
	const char *stray; /* a word that leads nowhere, somewhere before stray_end_line */
	int stray_end_line, strays;
	bool stray_is_option;
	const char *damage;	     /* what is to be said of what cannot be read, in damage_line */
	const char *damaged_section; /* the name of it, when that was the trouble */
	int damage_line;
	bool damaged;
};

static struct pass *current;

static const char *kind_of(const cfg_t *cfg)
{
	return cfg == current->root || current->root == NULL ? "" : cfg->name;
}

/* ---- unknown names ---------------------------------------------------------------------------------------
 */

static const char *nearest_option(const char *kind, const char *name)
{
	const char **names = NULL;
	size_t count = 0;
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++)
		if (strcmp(tact_config_row_at(i)->doc.section, kind) == 0)
			*TACT_PUSH(current->reading->arena, names, count) = tact_config_row_at(i)->doc.name;
	return tact_config_nearest(name, names, count);
}

static const char *nearest_section(const char *name)
{
	const char **names = NULL;
	size_t count = 0;
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++)
		*TACT_PUSH(current->reading->arena, names, count) = tact_config_row_at(i)->doc.section;
	return tact_config_nearest(name, names, count);
}

static const char *home_of(const char *name)
{
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++)
		if (strcmp(tact_config_row_at(i)->doc.name, name) == 0)
			return tact_config_row_at(i)->doc.section;
	return NULL;
}

static const char *place(const char *kind)
{
	return *kind == '\0' ? "at the top level"
			     : tact_arena_printf(current->reading->arena, "in a %s section", kind);
}

static void report_unknown_option(const cfg_t *cfg, const char *name)
{
	const char *kind = kind_of(cfg), *shown = tact_config_show(current->reading, name);
	const char *near = nearest_option(kind, name), *home = home_of(name);
	if (home != NULL)
		tact_config_mistake(current->reading, cfg->line, "%s does not belong %s; it belongs %s",
		    shown, place(kind), place(home));
	else if (near != NULL)
		tact_config_mistake(current->reading, cfg->line, "there is no option %s %s; did you mean %s?",
		    shown, place(kind), near);
	else
		tact_config_mistake(current->reading, cfg->line,
		    "there is no option %s %s; tact.conf(5) lists them all", shown, place(kind));
}

static void report_unknown_section(const cfg_t *cfg)
{
	const char *shown = tact_config_show(current->reading, cfg->name), *near = nearest_section(cfg->name);
	if (tact_config_is_section(cfg->name))
		tact_config_mistake(current->reading, cfg->line,
		    "a %s section cannot stand inside another; close that one first with }", shown);
	else if (near != NULL && *near != '\0')
		tact_config_mistake(
		    current->reading, cfg->line, "there is no section %s; did you mean %s?", shown, near);
	else
		tact_config_mistake(current->reading, cfg->line,
		    "there is no section %s; tact.conf(5) lists them all", shown);
}

static struct learned *find_learned(const char *kind, const char *name)
{
	for (size_t i = 0; i < current->learned_count; i++)
		if (strcmp(current->learned[i].kind, kind) == 0 &&
		    strcmp(current->learned[i].name, name) == 0)
			return &current->learned[i];
	return NULL;
}

static bool learn(const char *kind, const char *name)
{
	if (find_learned(kind, name) != NULL || strcmp(name, MARKER) == 0 ||
	    current->learned_count == MOST_LEARNED)
		return false;
	struct learned *learned =
	    TACT_PUSH(current->reading->arena, current->learned, current->learned_count);
	learned->kind = tact_arena_strdup(current->reading->arena, kind);
	learned->name = tact_arena_strdup(current->reading->arena, name);
	return true;
}

/* The name was learned as something simpler than it is. */
static bool learn_better(const char *kind, const char *name, int from)
{
	struct learned *learned = find_learned(kind, name);
	if (learned == NULL || (int)learned->as != from)
		return false;
	learned->as++;
	return true;
}

/* What was learned fits nowhere: the word itself is too much, as in `slot_size = 5 000`. */
static bool take_for_stray(const cfg_t *cfg, const char *name)
{
	struct learned *learned = find_learned(kind_of(cfg), name);
	if (learned == NULL || current->strays == MOST_STRAYS)
		return false;
	learned->as = AS_OPTION;
	current->stray = learned->name;
	current->stray_end_line = cfg->line;
	current->stray_is_option = false;
	return true;
}

/* An option of ours without its =, as in `mode monitor`. */
static bool take_for_bare(const cfg_t *cfg, const char *name)
{
	if (tact_config_row_find(kind_of(cfg), name) == NULL || current->strays == MOST_STRAYS)
		return false;
	current->stray = tact_arena_strdup(current->reading->arena, name);
	current->stray_end_line = cfg->line;
	current->stray_is_option = true;
	return true;
}

/* ---- what libconfuse calls -------------------------------------------------------------------------------
 */

static struct section *section_of(const cfg_t *cfg)
{
	for (size_t i = current->cfgs_count; i-- > 0;)
		if (current->cfgs[i] == cfg)
			return &current->reading->sections[i];
	return NULL;
}

static int on_section(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)opt;
	struct tact_arena *arena = current->reading->arena;
	struct section *section =
	    TACT_PUSH(arena, current->reading->sections, current->reading->sections_count);
	section->kind = tact_arena_strdup(arena, kind_of(cfg));
	section->title = cfg->title != NULL ? tact_arena_strdup(arena, cfg->title) : "";
	section->line = cfg->line;
	*TACT_PUSH(arena, current->cfgs, current->cfgs_count) = cfg;
	*(const char **)result = value;
	return 0;
}

static int on_unknown_section(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)opt;
	report_unknown_section(cfg);
	*(const char **)result = value;
	return 0;
}

/* Inside a section that is a mistake itself. */
static int on_lost_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	(void)cfg;
	(void)opt;
	*(const char **)result = value;
	return 0;
}

static int on_unknown_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	if (opt->nvalues == 1)
		report_unknown_option(cfg, opt->name);
	*(const char **)result = value;
	return 0;
}

static struct entry *latest_entry(struct section *section, const char *name)
{
	for (size_t i = section->entries_count; i-- > 0;)
		if (strcmp(section->entries[i].name, name) == 0)
			return &section->entries[i];
	return NULL;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct tact_arena *arena = current->reading->arena;
	struct section *section = section_of(cfg);
	*(const char **)result = value;
	if (section == NULL || tact_config_row_find(section->kind, opt->name) == NULL)
		return on_unknown_value(cfg, opt, value, result);
	struct entry *entry = latest_entry(section, opt->name);
	if (entry != NULL && opt->nvalues == 1) { /* a new assignment begins */
		tact_config_mistake(current->reading, cfg->line,
		    "%s is set a second time, first in line %d; keep one of the two", opt->name,
		    tact_config_entry(section, opt->name)->line);
		entry = NULL;
	}
	if (entry == NULL) {
		entry = TACT_PUSH(arena, section->entries, section->entries_count);
		entry->name = tact_arena_strdup(arena, opt->name);
		entry->line = cfg->line;
	}
	*TACT_PUSH(arena, entry->values, entry->count) = tact_arena_strdup(arena, value);
	return 0;
}

/* ---- errors ----------------------------------------------------------------------------------------------
 */

struct saying {
	const char *theirs, *ours; /* ours may say %s once, where theirs does */
	bool stops;		   /* leaving the line out would not help */
};

static const struct saying sayings[] = {
    {"no such option '%s'", "there is no option %s here", true},
    {"missing equal sign after option '%s'", "%s is not followed by =; write %1$s = VALUE", false},
    {"missing opening brace for section '%s'", "section %s is not followed by {; write %1$s \"NAME\" { }",
	false},
    {"missing title for section '%s'", "section %s has no name; write %1$s \"NAME\" {", false},
    {"unexpected token '%s'",
	"did not expect %s here; a list is written {a, b}, other values of more than a word in quotes",
	false},
    {"unexpected closing brace", "this } closes nothing; take it out", false},
    {"premature end of file", "the file ends inside a setting; complete it", true},
};

static const struct saying *saying_of(const char *theirs)
{
	for (size_t i = 0; i < sizeof sayings / sizeof *sayings; i++)
		if (strcmp(sayings[i].theirs, theirs) == 0)
			return &sayings[i];
	return NULL;
}

/* Whether the line can be left out, and the text be read again without it. */
static bool may_go_on(const struct saying *saying)
{
	return current->strays < MOST_STRAYS && current->read_bytes + current->length <= MOST_READ_BYTES &&
	       !saying->stops;
}

static void report_stop(const cfg_t *cfg, const struct saying *saying, const char *what)
{
	const char *ours = saying->ours;
	char text[512];
	const char *shown = what == NULL    ? ""
			    : *what == '\0' ? "\"\""
					    : tact_config_show(current->reading, what);
	const char *cut =
	    strstr(ours, "%1$s"); /* only these two forms occur, so that no format comes from a variable */
	const char *first = strstr(ours, "%s");
	if (first == NULL)
		snprintf(text, sizeof text, "%s", ours);
	else if (cut == NULL)
		snprintf(text, sizeof text, "%.*s%s%s", (int)(first - ours), ours, shown, first + 2);
	else
		snprintf(text, sizeof text, "%.*s%s%.*s%s%s", (int)(first - ours), ours, shown,
		    (int)(cut - first - 2), first + 2, shown, cut + 4);
	if (may_go_on(saying)) {
		current->damage = tact_arena_strdup(current->reading->arena, text);
		current->damaged_section =
		    cut != NULL ? tact_arena_strdup(current->reading->arena, what) : NULL;
		current->damage_line = cfg->line;
		current->again = true;
		return;
	}
	tact_config_mistake(current->reading, cfg->line, "%s (nothing after this was read)", text);
	current->reading->stopped = true;
}

static bool take_lesson(const cfg_t *cfg, const char *theirs, const char *what)
{
	if (current->read_bytes + current->length > MOST_READ_BYTES)
		return false;
	if (strcmp(theirs, "no such option '%s'") == 0)
		return learn(kind_of(cfg), what);
	if (strcmp(theirs, "missing equal sign after option '%s'") == 0)
		return learn_better(kind_of(cfg), what, AS_OPTION) || take_for_bare(cfg, what);
	if (strcmp(theirs, "missing opening brace for section '%s'") == 0)
		return learn_better(kind_of(cfg), what, AS_SECTION) || take_for_stray(cfg, what);
	if (strcmp(theirs, "missing title for section '%s'") == 0)
		return take_for_stray(cfg, what);
	return false;
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	const struct saying *saying = saying_of(format);
	struct saying theirs = {.theirs = format};
	const char *what = NULL;
	char text[256];
	if (current->again)
		return;
	if (saying != NULL && strstr(format, "%s") != NULL)
		what = va_arg(args, const char *);
	current->again = what != NULL && take_lesson(cfg, format, what);
	if (current->again)
		return;
	if (current->reading->stopped && strcmp(format, "premature end of file") == 0)
		return; /* the scan has told where */
	if (saying == NULL) {
		vsnprintf(text, sizeof text, format, args);
		theirs.ours = tact_text_printable(current->reading->arena, text, sizeof text);
		saying = &theirs;
	}
	report_stop(cfg, saying, what);
}

/* ---- the options, as libconfuse wants them ---------------------------------------------------------------
 */

static cfg_opt_t *push_option(cfg_opt_t **options, size_t *count, const char *name, cfg_callback_t callback)
{
	cfg_opt_t *option =
	    tact_arena_push(current->reading->arena, (void **)options, count, sizeof **options);
	option->name = name;
	option->type = CFGT_STR;
	option->flags = CFGF_LIST;
	option->parsecb = callback;
	return option;
}

static void push_marker(cfg_opt_t **options, size_t *count, cfg_callback_t callback)
{
	static char here[] = "{here}";
	push_option(options, count, MARKER, callback)->def.parsed = here;
}

static void push_section(cfg_opt_t **options, size_t *count, const char *name, cfg_opt_t *inside, bool titled)
{
	cfg_opt_t *option = push_option(options, count, name, NULL);
	option->type = CFGT_SEC;
	option->flags = CFGF_MULTI | (titled ? CFGF_TITLE : 0);
	option->subopts = inside;
}

static cfg_opt_t *unknown_section(const char *kind, int depth);

static void push_learned(cfg_opt_t **options, size_t *count, const char *kind, int depth)
{
	for (size_t i = 0; i < current->learned_count; i++) {
		const struct learned *learned = &current->learned[i];
		if (strcmp(learned->kind, kind) != 0 ||
		    (depth == 0 && tact_config_row_find(kind, learned->name) != NULL))
			continue; /* of another section, or one that is unknown only inside another */
		if (learned->as == AS_OPTION)
			push_option(
			    options, count, learned->name, depth == 0 ? on_unknown_value : on_lost_value);
		else
			push_section(options, count, learned->name, unknown_section(learned->name, depth + 1),
			    learned->as == AS_TITLED);
	}
}

static cfg_opt_t *unknown_section(const char *kind, int depth)
{
	cfg_opt_t *options = NULL;
	size_t count = 0;
	push_marker(&options, &count, on_unknown_section);
	if (depth < DEEPEST)
		push_learned(&options, &count, kind, depth);
	tact_arena_push(current->reading->arena, (void **)&options, &count, sizeof *options);
	return options;
}

static cfg_opt_t *options_of(const char *kind)
{
	cfg_opt_t *options = NULL;
	size_t count = 0;
	const char *before = "";
	push_marker(&options, &count, on_section);
	for (size_t i = 0; tact_config_row_at(i) != NULL; i++) {
		const struct tact_option *row = &tact_config_row_at(i)->doc;
		if (strcmp(row->section, kind) == 0)
			push_option(&options, &count, row->name, on_value);
		else if (*kind == '\0' && strcmp(row->section, before) != 0)
			push_section(&options, &count, row->section, options_of(row->section),
			    tact_config_has_title(row->section));
		before = row->section;
	}
	push_learned(&options, &count, kind, 0);
	tact_arena_push(
	    current->reading->arena, (void **)&options, &count, sizeof *options); /* all zero: the end */
	return options;
}

/* ---- the passes ------------------------------------------------------------------------------------------
 */

static void read_once(struct pass *pass, const char *text)
{
	struct reading *reading = pass->reading;
	reading->sections = NULL;
	reading->sections_count = 0;
	pass->cfgs = NULL;
	pass->cfgs_count = 0;
	pass->again = false;
	pass->root = NULL;
	pass->root = cfg_init(options_of(""), CFGF_NONE);
	cfg_set_error_function(pass->root, on_error);
	int result = cfg_parse_buf(pass->root, text);
	if (result != CFG_SUCCESS && !pass->again && !reading->stopped) {
		tact_config_mistake(reading, pass->root->line, "this cannot be read (nothing after it was)");
		reading->stopped = true;
	}
	cfg_free(pass->root);
}

/* The last place up to the end of a line where NAME stands as a bare word. */
static char *find_word(char *text, const char *name, int end_line)
{
	static const char around[] = " \t\n={}(),";
	size_t length = strlen(name);
	char *found = NULL;
	int line = 1;
	for (char *p = text; *p != '\0' && line <= end_line; line += *p++ == '\n')
		if ((p == text || strchr(around, p[-1]) != NULL) && strncmp(p, name, length) == 0 &&
		    strchr(around, p[length]) != NULL)
			found = p;
	return found;
}

static int line_of(const char *text, const char *place)
{
	int line = 1;
	for (const char *p = text; p < place; p++)
		line += *p == '\n';
	return line;
}

/* Takes the stray word out. Words on one line are one mistake. */
static void blank_stray(struct pass *pass, char *text, int *last_line)
{
	char *word = find_word(text, pass->stray, pass->stray_end_line);
	if (word == NULL || *pass->stray == '\0') {
		pass->strays = MOST_STRAYS; /* the next pass stops there */
		return;
	}
	int line = line_of(text, word);
	if (line != *last_line && pass->stray_is_option)
		tact_config_mistake(pass->reading, line, "%1$s is not followed by =; write %1$s = VALUE",
		    tact_config_show(pass->reading, pass->stray));
	else if (line != *last_line)
		tact_config_mistake(pass->reading, line,
		    "%s is neither an option nor a section; if it belongs to the value before it, put the "
		    "whole value in quotes",
		    tact_config_show(pass->reading, pass->stray));
	memset(word, ' ', strlen(pass->stray));
	*last_line = line;
	pass->strays++;
}

static char *line_start(char *text, int line)
{
	while (line > 1 && *text != '\0')
		line -= *text++ == '\n';
	return text;
}

/* The end of the line, or of the blocks that begin in it; before a brace that closes what began earlier. */
static char *damage_end(char *from)
{
	int depth = 0;
	char quote = '\0';
	for (; *from != '\0' && (*from != '\n' || depth > 0); from++) {
		if (quote != '\0' && *from == '\\' && from[1] != '\0' && from[1] != '\n')
			from++;
		else if (quote != '\0')
			quote = *from == quote || *from == '\n' ? '\0' : quote;
		else if (*from == '"' || *from == '\'')
			quote = *from;
		else if (*from == '{')
			depth++;
		else if (*from == '}' && depth-- == 0)
			break;
	}
	return from;
}

/* Takes out what cannot be read, and says how much that was. */
static void blank_damage(struct pass *pass, char *text)
{
	char *from = line_start(text, pass->damage_line), *word = NULL;
	if (pass->damaged_section != NULL)
		word = find_word(text, pass->damaged_section, pass->damage_line);
	if (word != NULL && *pass->damaged_section != '\0')
		from = word;
	char *end = damage_end(from);
	int first = line_of(text, from), last = *end != '\0' ? line_of(text, end) : pass->reading->last_line;
	if (strspn(from, " \t") >= (size_t)(end - from))
		pass->strays = MOST_STRAYS; /* nothing is won; the next pass stops there */
	else if (last > first)
		tact_config_mistake(pass->reading, pass->damage_line, "%s (lines %d to %d were not read)",
		    pass->damage, first, last);
	else
		tact_config_mistake(pass->reading, pass->damage_line, "%s (%s line was not read)",
		    pass->damage, from == word ? "the rest of this" : "this");
	for (; from < end; from++)
		*from = *from == '\n' ? '\n' : ' ';
	pass->strays++;
	pass->damaged = true;
}

void tact_config_read(struct reading *reading, char *text)
{
	struct pass pass = {.reading = reading, .length = strlen(text)};
	size_t scanned = reading->mistakes_count;
	bool stopped = reading->stopped;
	int last_line = 0;
	current = &pass;
	do {
		reading->mistakes_count = scanned;
		reading->stopped = stopped;
		if (pass.stray != NULL)
			blank_stray(&pass, text, &last_line);
		if (pass.damage != NULL)
			blank_damage(&pass, text);
		scanned = reading->mistakes_count;
		pass.stray = pass.damage = NULL;
		pass.read_bytes += pass.length;
		read_once(&pass, text);
	} while (pass.again);
	reading->stopped |= pass.damaged;
	current = NULL;
}
