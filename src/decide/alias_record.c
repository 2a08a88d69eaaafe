/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * What stands in an alias's record: the key that it leads to, and behind it, where it is known, the
 * fingerprint of the secret under which the alias was made, or made again. The record's own key does not
 * tell: one is as random as the other.
 */
#include <config.h>

#include <string.h>

#include "alias_record.h"

int alias_record_read(const struct tact_record *record, struct tact_id *ret)
{
	*ret = (struct tact_id){{0}};
	if (record->size == 0)
		return TACT_OK;
	if (record->size != TACT_ID_BYTES && record->size != ALIAS_RECORD_BYTES)
		return TACT_CORRUPT;
	memcpy(ret->b, record->bytes, TACT_ID_BYTES);
	return TACT_OK;
}

static bool is_known(const struct alias_record *alias)
{
	return !tact_id_is_none(&alias->made_under);
}

size_t alias_record_print(const struct alias_record *alias, uint8_t ret[ALIAS_RECORD_BYTES])
{
	if (tact_id_is_none(&alias->target))
		return 0;
	memcpy(ret, alias->target.b, TACT_ID_BYTES);
	memcpy(ret + TACT_ID_BYTES, alias->made_under.b, TACT_ID_BYTES);
	return is_known(alias) ? ALIAS_RECORD_BYTES : TACT_ID_BYTES;
}

struct tact_id alias_record_made_under(const struct tact_record *record)
{
	struct tact_id made_under = {{0}};

	if (record->size == ALIAS_RECORD_BYTES)
		memcpy(made_under.b, (const uint8_t *)record->bytes + TACT_ID_BYTES, TACT_ID_BYTES);
	return made_under;
}

/* ---- those of earlier keys ---- */

struct counting {
	struct tact_id current;
	uint64_t earlier;
};

static bool count_one(void *context, const struct tact_store_key *key, const struct tact_record *record)
{
	struct counting *counting = context;
	struct tact_id made_under = alias_record_made_under(record);

	(void)key;
	counting->earlier += !tact_id_is_none(&made_under) && !tact_id_equal(&made_under, &counting->current);
	return true;
}

int tact_decide_count_earlier_aliases(
    struct tact_store *store, const struct tact_identity *identity, uint64_t *ret, struct tact_error *err)
{
	struct counting counting = {.current = tact_facts_keyring_fingerprint(identity->keyring, 0)};
	int result = TACT_OK;

	if (tact_facts_keyring_count(identity->keyring) > 1)
		result = tact_store_scan(store, TACT_STORE_ALIAS, count_one, &counting, err);
	*ret = counting.earlier;
	return result;
}
