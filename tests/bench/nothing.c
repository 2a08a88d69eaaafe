/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * A milter that does nothing: what libmilter alone costs for the callbacks that tactd asked for. Figures (a)
 * of `make bench`.
 *
 *     nothing SOCKET STEPS accept|reject
 *
 * STEPS: the protocol flags tactd negotiated, in hex, as `load` prints them. reject answers every RCPT with
 * 550.
 */
#include <config.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <libmilter/mfapi.h>

#define BACKLOG 1024

static unsigned long steps;
static bool rejecting;

static sfsistat carry_on(unsigned long no_reply)
{
	return (steps & no_reply) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2,
    unsigned long f3, unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	(void)ctx;
	(void)f0;
	(void)f1;
	(void)f2;
	(void)f3;
	*pf0 = SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDRCPT_PAR | SMFIF_QUARANTINE;
	*pf1 = steps;
	*pf2 = *pf3 = 0;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *name, _SOCK_ADDR *address)
{
	(void)ctx;
	(void)name;
	(void)address;
	return carry_on(SMFIP_NR_CONN);
}

static sfsistat on_mail(SMFICTX *ctx, char **args)
{
	(void)ctx;
	(void)args;
	return carry_on(SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **args)
{
	static char code[] = "550", enhanced[] = "5.7.1", text[] = "nothing is taken";

	(void)args;
	if (!rejecting)
		return carry_on(SMFIP_NR_RCPT);
	(void)smfi_setreply(ctx, code, enhanced, text);
	return SMFIS_REJECT;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return carry_on(SMFIP_NR_HDR);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t size)
{
	(void)ctx;
	(void)chunk;
	(void)size;
	return carry_on(SMFIP_NR_BODY);
}

static sfsistat on_whatever(SMFICTX *ctx)
{
	(void)ctx;
	return SMFIS_CONTINUE;
}

static int run(char *socket)
{
	static char name[] = "nothing";
	struct smfiDesc description = {
	    .xxfi_name = name,
	    .xxfi_version = SMFI_VERSION,
	    .xxfi_connect = on_connect,
	    .xxfi_envfrom = on_mail,
	    .xxfi_envrcpt = on_rcpt,
	    .xxfi_header = on_header,
	    .xxfi_body = on_body,
	    .xxfi_eom = on_whatever,
	    .xxfi_abort = on_whatever,
	    .xxfi_close = on_whatever,
	    .xxfi_negotiate = negotiate,
	};

	if (smfi_register(description) != MI_SUCCESS || smfi_setconn(socket) != MI_SUCCESS)
		return EX_USAGE;
	(void)smfi_setbacklog(BACKLOG);
	return smfi_opensocket(true) == MI_SUCCESS && smfi_main() == MI_SUCCESS ? EX_OK : EX_OSERR;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fprintf(stderr, "usage: nothing SOCKET STEPS accept|reject\n");
		return EX_USAGE;
	}
	steps = strtoul(argv[2], NULL, 16);
	rejecting = strcmp(argv[3], "reject") == 0;
	return run(argv[1]);
}
