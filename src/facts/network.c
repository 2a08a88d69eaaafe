/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Networks and whether an IP address lies in one. Never asks the DNS.
 */
#include <config.h>

#include "internal.h"

#include <arpa/inet.h>
#include <string.h>

#define IPV4_OFFSET 96

bool facts_parse_ip(const char *text, uint8_t ret[16], bool *ret_is_ipv4)
{
	static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	uint8_t four[4];
	*ret_is_ipv4 = inet_pton(AF_INET, text, four) == 1;
	if (!*ret_is_ipv4)
		return inet_pton(AF_INET6, text, ret) == 1;
	memcpy(ret, mapped, sizeof mapped);
	memcpy(ret + sizeof mapped, four, sizeof four);
	return true;
}

/* Keeps the first BITS of an address; says whether the rest was zero already. */
static bool mask(uint8_t address[16], unsigned bits)
{
	bool clean = true;
	for (unsigned i = 0; i < 16; i++) {
		unsigned kept = bits >= 8 * (i + 1) ? 8 : bits <= 8 * i ? 0 : bits - 8 * i;
		uint8_t masked = (uint8_t)(address[i] & (0xFF00U >> kept));
		clean = clean && masked == address[i];
		address[i] = masked;
	}
	return clean;
}

int tact_facts_parse_network(const char *text, struct tact_network *ret, struct tact_error *err)
{
	struct tact_network network;
	char address[INET6_ADDRSTRLEN + 1];
	bool four;
	size_t length = strcspn(text, "/");
	if (length >= sizeof address)
		return tact_error_set(err, TACT_INVALID, "not a network: longer than any IP address");
	memcpy(address, text, length);
	address[length] = '\0';
	if (!facts_parse_ip(address, network.address, &four))
		return tact_error_set(
		    err, TACT_INVALID, "not a network: 192.0.2.0/24, 2001:db8::/32 or one address is one");
	int64_t most = four ? 32 : 128;
	int64_t bits = most;
	if (text[length] == '/' && tact_text_parse_int(text + length + 1, 0, most, &bits, NULL) != TACT_OK)
		return tact_error_set(
		    err, TACT_INVALID, "not a network: behind '/' stands a number from 0 to %d", (int)most);
	network.bits = (uint8_t)(four ? bits + IPV4_OFFSET : bits);
	if (!mask(network.address, network.bits))
		return tact_error_set(
		    err, TACT_INVALID, "not a network: bits are set behind the first %d", (int)bits);
	*ret = network;
	return TACT_OK;
}

bool tact_facts_network_has(const struct tact_network *networks, size_t count, const char *ip)
{
	uint8_t address[16];
	bool four;
	if (ip == NULL || count == 0 || !facts_parse_ip(ip, address, &four))
		return false;
	for (size_t i = 0; i < count; i++) {
		uint8_t masked[16];
		memcpy(masked, address, sizeof masked);
		mask(masked, networks[i].bits);
		if (memcmp(masked, networks[i].address, sizeof masked) == 0)
			return true;
	}
	return false;
}
