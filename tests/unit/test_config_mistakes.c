/* SPDX-License-Identifier: BSD-2-Clause
 * Copyright (c) 2026 The tact authors
 *
 * Every mistake a configuration can hold, one row each: the text, and what must be said of it, with the line.
 * Each row is loaded whole, so a row also shows that nothing else is said.
 */
#include <config.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tact/config.h>

#define LISTENER "listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }\n"

struct row {
	const char *text;
	const char *mistakes; /* "LINE: TEXT", one a line; "" when there is none */
};

/* clang-format off */
static const struct row names[] = {
    {"mdoe = enforce\n" LISTENER,
	"1: there is no option mdoe at the top level; did you mean mode?"},
    {"wonderful = 1\n" LISTENER,
	"1: there is no option wonderful at the top level; tact.conf(5) lists them all"},
    {"priority = 3\n" LISTENER,
	"1: priority does not belong at the top level; it belongs in a stream section"},
    {"Mode = enforce\n" LISTENER,
	"1: there is no option Mode at the top level; did you mean mode?"},
    {"strem \"a\" { purpose = newsletter }\n" LISTENER,
	"1: there is no section strem; did you mean stream?"},
    {"wonderland \"a\" { b = 1 c = {2, 3} }\n" LISTENER,
	"1: there is no section wonderland; tact.conf(5) lists them all"},
    {"stream \"a\" { purpos = newsletter }\nstream \"b\" { purpos = newsletter }\n" LISTENER,
	"1: there is no option purpos in a stream section; did you mean purpose?\n"
	"2: there is no option purpos in a stream section; did you mean purpose?"},
    {"stream \"a\" { limit \"b\" { at_most = 1/1d } }\n" LISTENER,
	"1: a limit section cannot stand inside another; close that one first with }"},
    {"canonical { fold = yes }\n" LISTENER,
	"1: there is no option fold in a canonical section; tact.conf(5) lists them all"},
    {"mode|x = 1\n" LISTENER,
	"1: | is not read outside quotes; put the value in quotes\n"
	"1: mode is not followed by =; write mode = VALUE\n"
	"1: there is no option x at the top level; tact.conf(5) lists them all"},
    {"host = a|b\n" LISTENER,
	"1: | is not read outside quotes; put the value in quotes\n"
	"1: b is neither an option nor a section; if it belongs to the value before it, put the whole value in quotes"},
    {"Stream \"a\" { }\n" LISTENER,
	"1: there is no section Stream; did you mean stream?"},
    {"stream \"a\" { stream \"b\" { stream \"c\" { priority = 3 } } }\nmdoe = enforce\n" LISTENER,
	"1: a stream section cannot stand inside another; close that one first with }\n"
	"1: a stream section cannot stand inside another; close that one first with }\n"
	"1: there is no option priority here (nothing after this was read)"},
    {"\"(section)\" = 1\n" LISTENER,
	"1: there is no option (section); tact.conf(5) lists them all"},
    {"canonical { \"(section)\" = 1 }\n" LISTENER,
	"1: canonical is given a second time, first in line 1; make one of the two"},
    {"listener \"b\" { \"(section)\" = 1 socket = \"inet:1\" }\n" LISTENER,
	"1: listener \"b\" has no socket; write socket = inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH\n"
	"1: listener \"b\" is given a second time, first in line 1; give it another name"},
};

static const struct row repeats[] = {
    {"mode = enforce\nmode = enforce\n" LISTENER,
	"2: mode is set a second time, first in line 1; keep one of the two"},
    {"mode = enforce\n\n# a comment\n/* and\nanother */\nmode = monitor\nmode = monitor\n" LISTENER,
	"6: mode is set a second time, first in line 1; keep one of the two\n"
	"7: mode is set a second time, first in line 1; keep one of the two"},
    {"slot_size = x\nslot_size = y\n" LISTENER,
	"1: slot_size: \"x\" is not a whole number; write 1 to 1000000\n"
	"2: slot_size is set a second time, first in line 1; keep one of the two\n"
	"2: slot_size: \"y\" is not a whole number; write 1 to 1000000"},
    {"brand \"a\" {\n domains = {a.example}\n domains = {b.example}\n}\n" LISTENER,
	"3: domains is set a second time, first in line 2; keep one of the two"},
    {"brand \"a\" { domains = {a.example} domains += {b.example} }\n" LISTENER,
	""},
    {"canonical { }\ncanonical { }\n" LISTENER,
	"2: canonical is given a second time, first in line 1; make one of the two"},
    {"trusted { }\ntrusted { }\n" LISTENER,
	"2: trusted is given a second time, first in line 1; make one of the two"},
    {"stream \"a\" { }\nstream \"A\" { }\n" LISTENER,
	"2: stream \"A\" is given a second time, first in line 1; give it another name"},
    {"limit \"a\" { at_most = 1/1d }\nlimit \"a\" { at_most = 1/1d }\n" LISTENER,
	"2: limit \"a\" is given a second time, first in line 1; give it another name"},
    {"listener \"b\" { socket = \"inet:8891@127.0.0.1\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet:8891@127.0.0.1 already; give this one another"},
    {"suppression \"a\" { }\nsuppression \"a\" { }\n" LISTENER,
	"2: suppression \"a\" is given a second time, first in line 1; give it another name"},
    {"owner \"a\" { }\nowner \"a\" { }\n" LISTENER,
	"2: owner \"a\" is given a second time, first in line 1; give it another name"},
    {"brand \"a\" { }\nbrand \"a\" { }\n" LISTENER,
	"2: brand \"a\" is given a second time, first in line 1; give it another name"},
    {"mode = {enforce, monitor}\n" LISTENER,
	"1: mode takes one value, not 2; write enforce or monitor"},
};

static const struct row writing[] = {
    {"slot_size = 5 000\n" LISTENER,
	"1: 000 is neither an option nor a section; if it belongs to the value before it, put the whole value in quotes"},
    {"slot_size = 5,000\n" LISTENER,
	"1: did not expect , here; a list is written {a, b}, other values of more than a word in quotes"},
    {"limit \"a\" { at_most = 2 per calendar-year }\n" LISTENER,
	"1: per is neither an option nor a section; if it belongs to the value before it, put the whole value in quotes\n"
	"1: at_most: \"2\" is not a limit; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 4/7d count = promotional, newsletter }\n" LISTENER,
	"1: did not expect , here; a list is written {a, b}, other values of more than a word in quotes"},
    {"limit \"a\" { at_most = 4/7d count = promotional, 'newsletter' , x action = dely }\nmdoe = enforce\n" LISTENER,
	"1: did not expect , here; a list is written {a, b}, other values of more than a word in quotes\n"
	"1: action: \"dely\" is not known here; write delay, quarantine or reject\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"mode monitor\nlog\nslot_size = x\n" LISTENER,
	"1: mode is not followed by =; write mode = VALUE\n"
	"2: log is not followed by =; write log = VALUE\n"
	"3: slot_size: \"x\" is not a whole number; write 1 to 1000000"},
    {"mode monitor\n" LISTENER,
	"1: mode is not followed by =; write mode = VALUE"},
    {"mode = \n" LISTENER,
	"1: there is nothing after =; write the value on the same line"},
    {"mode = \"monitor\nlog = syslog\n" LISTENER,
	"1: this \" has no closing \" on the same line; close it"},
    {"mode = 'monitor\n" LISTENER,
	"1: this ' has no closing ' on the same line; close it"},
    {"text = \"a\\d\"\n" LISTENER,
	"1: between double quotes a backslash must be written \\\\; or put the value between ' and '\n"
	"1: text does not belong at the top level; it belongs in a suppression section"},
    {"user = \"a\\\"b\n" LISTENER,
	"1: this \" has no closing \" on the same line; close it"},
    {"stream \"a\" {\n purpose = newsletter\n",
	"1: this { is never closed; close it with }"},
    {"stream \"a\" {\n",
	"1: this { is never closed; close it with }"},
    {"/* never\nclosed",
	"1: this comment has no end; close it with */"},
    {"mode = enforce }\n" LISTENER,
	"1: this } closes nothing; take it out"},
    {"stream { }\n" LISTENER,
	"1: section stream has no name; write stream \"NAME\" { (the rest of this line was not read)"},
    {"stream a b { }\n" LISTENER,
	"1: section stream is not followed by {; write stream \"NAME\" { } (the rest of this line was not read)"},
    {"stream \"a\" purpose = newsletter\n" LISTENER,
	"1: section stream is not followed by {; write stream \"NAME\" { } (the rest of this line was not read)"},
    {"include(\"/etc/passwd\")\n" LISTENER,
	"1: include is neither an option nor a section; if it belongs to the value before it, put the whole value in quotes\n"
	"1: did not expect ( here; a list is written {a, b}, other values of more than a word in quotes (this line was not read)"},
    {"user = ${HOME}\n" LISTENER,
	"1: ${ would take a value from the environment, which is not read here; write the value itself, or put it between ' and '"},
    {"user = \"${HOME:-x}\"\n" LISTENER,
	"1: ${ would take a value from the environment, which is not read here; write the value itself, or put it between ' and '"},
    {"slot_size = *5000\n" LISTENER,
	"1: * is not read outside quotes; put the value in quotes"},
    {"slot_size = +5000\n" LISTENER,
	"1: + is not read outside quotes; put the value in quotes"},
    {"brand \"a\" { domains = {} }\n" LISTENER,
	"1: this list is empty; name something, or leave the option out"},
    {"brand \"a\" { domains = { # none yet\n } }\n" LISTENER,
	"2: this list is empty; name something, or leave the option out"},
    {"brand \"a\" { domains += {} }\n" LISTENER,
	"1: this list is empty; name something, or leave the option out"},
    {"brand \"a\" { domains = {a.example, } }\n" LISTENER,
	""},
    {"user = \"a\001b\"\n" LISTENER,
	"1: there is a control character here; write the file in UTF-8, without control characters"},
    {"user = \"\377\"\n" LISTENER,
	"1: these bytes are not UTF-8; write the file in UTF-8, without control characters"},
    {"user = \"\300\257\"\n" LISTENER,
	"1: these bytes are not UTF-8; write the file in UTF-8, without control characters"},
    {"user = \"\355\240\200\"\n" LISTENER,
	"1: these bytes are not UTF-8; write the file in UTF-8, without control characters"},
    {"owner = \"leeds\"\n" LISTENER,
	"1: section owner has no name; write owner \"NAME\" { (the rest of this line was not read)"},
    {"limit \"a\" { at_most = # 4/7d\n }\n" LISTENER,
	"1: there is nothing after =; write the value on the same line\n"
	"1: limit \"a\" has no at_most; write at_most = N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"stream \"a\" { headers = {'X: a\\d'} }\nlimit \"a\" { at_most = 1/1d text = \"say \\\"no\\\"\" }\n" LISTENER,
	""},
    {"limit = 3\n" LISTENER,
	"1: section limit has no name; write limit \"NAME\" { (the rest of this line was not read)"},
    {"a b c d\n" LISTENER,
	"1: a is neither an option nor a section; if it belongs to the value before it, put the whole value in quotes"},
    {"\"a b\" c\n" LISTENER,
	"2: section a b is not followed by {; write a b \"NAME\" { } (nothing after this was read)"},
    {"=\n" LISTENER,
	"1: there is nothing after =; write the value on the same line"},
    {"{\n" LISTENER,
	"1: this { is never closed; close it with }\n"
	"1: did not expect { here; a list is written {a, b}, other values of more than a word in quotes (lines 1 to 2 were not read)"},
    {"}\n" LISTENER,
	"1: this } closes nothing; take it out"},
    {"user = a(b)\n" LISTENER,
	"1: did not expect ( here; a list is written {a, b}, other values of more than a word in quotes (this line was not read)"},
};

/* Whatever one line is, the others are told of in the same run. */
static const struct row going_on[] = {
    {"}\nmdoe = 1\n" LISTENER,
	"1: this } closes nothing; take it out\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"limit \"a\" { at_most = 4/7d } }\nmdoe = 1\n" LISTENER,
	"1: this } closes nothing; take it out\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"user = \"a b {c} = d\nmdoe = 1\n" LISTENER,
	"1: this \" has no closing \" on the same line; close it\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"brand \"a\" { domains = {\"b.example, c } }\nmdoe = 1\n" LISTENER,
	"1: this \" has no closing \" on the same line; close it\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"brand \"a { domains = {-} }\nmdoe = 1\n" LISTENER,
	"1: this \" has no closing \" on the same line; close it\n"
	"1: domains: \"-\" is not a domain; write domains\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"slot_size = 5, 'a\nb'\nmdoe = 1\n" LISTENER,
	"1: did not expect , here; a list is written {a, b}, other values of more than a word in quotes\n"
	"1: this ' has no closing ' on the same line; close it\n"
	"2: this ' has no closing ' on the same line; close it\n"
	"2: b is neither an option nor a section; if it belongs to the value before it, put the whole value in quotes\n"
	"3: there is no option mdoe at the top level; did you mean mode?"},
    {"user = a(b)\nmdoe = 1\n" LISTENER,
	"1: did not expect ( here; a list is written {a, b}, other values of more than a word in quotes (this line was not read)\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
    {"stream {\npurpos = x\n}\nmdoe = 1\n" LISTENER,
	"1: section stream has no name; write stream \"NAME\" { (lines 1 to 3 were not read)\n"
	"4: there is no option mdoe at the top level; did you mean mode?"},
    {"brand \"a\" {\ndomains = {a,,\nb}\ndomain = 1\n}\nuser = {a b}\nmdoe = 1\n" LISTENER,
	"2: did not expect , here; a list is written {a, b}, other values of more than a word in quotes (lines 2 to 3 were not read)\n"
	"4: there is no option domain in a brand section; did you mean domains?\n"
	"6: did not expect b here; a list is written {a, b}, other values of more than a word in quotes (this line was not read)\n"
	"7: there is no option mdoe at the top level; did you mean mode?"},
    {"stream \"a\" purpose = newsletter\nmdoe = 1\n" LISTENER,
	"1: section stream is not followed by {; write stream \"NAME\" { } (the rest of this line was not read)\n"
	"2: there is no option mdoe at the top level; did you mean mode?"},
};

static const struct row values[] = {
    {"mode = maybe\n" LISTENER,
	"1: mode: \"maybe\" is not known here; write enforce or monitor"},
    {"mode = \"\"\n" LISTENER,
	"1: mode is blank; write enforce or monitor, or leave the option out"},
    {"slot_size = \"\"\n" LISTENER,
	"1: slot_size is blank; write 1 to 1000000, or leave the option out"},
    {"slot_size = 0\n" LISTENER,
	"1: slot_size: \"0\" is out of range; write 1 to 1000000"},
    {"slot_size = 1000001\n" LISTENER,
	"1: slot_size: \"1000001\" is out of range; write 1 to 1000000"},
    {"slot_size = 5.5\n" LISTENER,
	"1: slot_size: \"5.5\" is not a whole number; write 1 to 1000000"},
    {"slot_size = 0x10\n" LISTENER,
	"1: slot_size: \"0x10\" is not a whole number; write 1 to 1000000"},
    {"slot_size = \" 5\"\n" LISTENER,
	"1: slot_size: \" 5\" is not a whole number; write 1 to 1000000"},
    {"slot_size = 99999999999999999999\n" LISTENER,
	"1: slot_size: \"99999999999999999999\" is not a whole number; write 1 to 1000000"},
    {"max_delay = \"\"\n" LISTENER,
	"1: max_delay is blank; write 1s to 30d, or leave the option out"},
    {"max_delay = 0\n" LISTENER,
	"1: max_delay: \"0\" is out of range; write 1s to 30d"},
    {"max_delay = 3\n" LISTENER,
	"1: max_delay: \"3\" is not a duration (90s, 15m, 20h, 7d, 2w); write 1s to 30d"},
    {"max_delay = -3d\n" LISTENER,
	"1: max_delay: \"-3d\" is not a duration (90s, 15m, 20h, 7d, 2w); write 1s to 30d"},
    {"max_delay = 31d\n" LISTENER,
	"1: max_delay: \"31d\" is out of range; write 1s to 30d"},
    {"max_delay = 3d4h\n" LISTENER,
	"1: max_delay: \"3d4h\" is not a duration (90s, 15m, 20h, 7d, 2w); write 1s to 30d"},
    {"keep_addresses = true\n" LISTENER,
	"1: keep_addresses: \"true\" is not known here; write yes or no"},
    {"log = file\n" LISTENER,
	"1: log: \"file\" is not known here; write syslog or stderr"},
    {"log_level = notice\n" LISTENER,
	"1: log_level: \"notice\" is not known here; write debug, info, warning or error"},
    {"store = \"mysql:host=x\"\n" LISTENER,
	"1: store: \"mysql\" is not a store url: lmdb:/FOLDER, postgres:CONNINFO, memory: or fail: would be"},
    {"store = \"lmdb:relative\"\n" LISTENER,
	"1: store: \"lmdb:relative\" names no folder: lmdb:/FOLDER would"},
    {"mode = monitor\nstore = \"postgres:host=db1 user=relay password=Geheim\"\n" LISTENER,
	"2: store: \"postgres:\": a password would be shown with the url: put it into a file of mode 0600 and name it with passfile="},
    {"store = \"postgresql://relay:Geheim@db1/tact\"\n" LISTENER,
	"1: store: \"postgresql\" is not a store url: lmdb:/FOLDER, postgres:CONNINFO, memory: or fail: would be"},
    {"store = \"postgres:host=db1 sslmode=verify_full\"\n" LISTENER,
	"1: store: \"postgres:\": sslmode=verify_full: verify-full would do; disable, require and verify-ca protect less"},
    {"store = \"postgres:host=db1 sslrootcer=/etc/ca\"\n" LISTENER,
	"1: store: \"postgres:\": invalid connection option \"sslrootcer\""},
    {"store = \"postgres:host=db1,db2 port=1,2,3\"\n" LISTENER,
	"1: store: \"postgres:\": port= names 3 for 2 hosts: one for all would do, or one for each"},
    {"store = \"postgres:host=db1 port=70000\"\n" LISTENER,
	"1: store: \"postgres:\": port=70000: numbers from 1 to 65535 would do"},
    {"store = \"postgres:host=db1 passfile=pass\"\n" LISTENER,
	"1: store: \"postgres:\": the file \"pass\" is not an absolute path"},
    {"store = \"postgres:host=db1 target_session_attrs=any\"\n" LISTENER,
	"1: store: \"postgres:\": target_session_attrs=any: read-write is what tact asks for by itself; leave it out"},
    {"store = \"\"\n" LISTENER,
	"1: store is blank; write lmdb:/FOLDER, postgres:CONNINFO, memory: or fail:, or leave the option out"},
    {"audit = \"var/audit\"\n" LISTENER,
	"1: audit: \"var/audit\" is not an absolute path; write an absolute path of at most 1000 characters"},
    {"key_file = \"\"\n" LISTENER,
	"1: key_file is blank; write an absolute path of at most 1000 characters, or leave the option out"},
    {"gate_socket = \"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"\n" LISTENER,
	"1: gate_socket: \"/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" is too long; write an absolute path of at most 107 characters"},
    {"gate_domain = \"a b\"\n" LISTENER,
	"1: gate_domain: \"a b\" is not a domain; write a domain that exists nowhere"},
    {"gate_domain = \"[192.0.2.1]\"\n" LISTENER,
	"1: gate_domain: \"[192.0.2.1]\" is not a domain; write a domain that exists nowhere"},
    {"review_domain = \"x@y.example\"\n" LISTENER,
	"1: review_domain: \"x@y.example\" is not a domain; write a domain that exists nowhere"},
    {"zone = \"Europe/Lodnon\"\n" LISTENER,
	"1: zone: \"Europe/Lodnon\" is no time zone this machine knows; write a name of the time zone database"},
    {"on_store_failure = accept\n" LISTENER,
	"1: on_store_failure: \"accept\" is not known here; write tempfail"},
    {"delay_by = hold\n" LISTENER,
	"1: delay_by: \"hold\" is not known here; write queue or tempfail"},
    {"quarantine_by = queue\n" LISTENER,
	"1: quarantine_by: \"queue\" is not known here; write review or hold"},
    {"strictest_stream = \"\"\n" LISTENER,
	"1: strictest_stream is blank; write the name of a stream section, or unmatched, or leave the option out"},
    {"listener \"b\" { socket = \"8891\" }\n" LISTENER,
	"1: socket: \"8891\" is not a socket; write inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH"},
    {"listener \"b\" { socket = \"inet:0\" }\n" LISTENER,
	"1: socket: \"inet:0\" is without a port from 1 to 65535; write inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH"},
    {"listener \"b\" { socket = \"inet:65536@localhost\" }\n" LISTENER,
	"1: socket: \"inet:65536@localhost\" is without a port from 1 to 65535; write inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH"},
    {"listener \"b\" { socket = \"inet:25@\" }\n" LISTENER,
	"1: socket: \"inet:25@\" is not a socket; write inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH"},
    {"listener \"b\" { socket = \"unix:relative\" }\n" LISTENER,
	"1: socket: \"unix:relative\" is without an absolute path; write inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH"},
    {"listener \"b\" { }\n" LISTENER,
	"1: listener \"b\" has no socket; write socket = inet:PORT@HOST, inet6:PORT@HOST or unix:/PATH"},
    {"listener \"b\" { socket = \"inet:1\" kind = lmtp }\n" LISTENER,
	"1: kind: \"lmtp\" is not known here; write smtp or non-smtp"},
    {"stream \"a\" { purpose = offers }\n" LISTENER,
	"1: purpose: \"offers\" is not known here; write promotional, newsletter, appreciation, occasion, transactional or personal"},
    {"stream \"a\" { direction = up }\n" LISTENER,
	"1: direction: \"up\" is not known here; write out or in"},
    {"stream \"a\" { direction = in senders = {\"@x.example\"} }\n" LISTENER,
	"1: direction: anybody could say that his mail comes in; write listeners, networks or sasl_users that bring it"},
    {"stream \"a\" { networks = 192.0.2.1\ndirection = in headers = {\"X: y\"} }\n" LISTENER,
	"2: direction: a header is whatever its writer wants; leave from_domains and headers out of a stream that comes in"},
    {"stream \"a\" { direction = in sasl_users = {x} from_domains = {x.example} }\n" LISTENER,
	"1: direction: a header is whatever its writer wants; leave from_domains and headers out of a stream that comes in"},
    {"strictest_stream = a\nstream \"a\" { direction = in networks = 192.0.2.1 }\n" LISTENER,
	"2: direction: stream \"a\" is the strictest, which is for mail that goes out; name another as strictest_stream"},
    {"stream \"a\" { priority = 1001 }\n" LISTENER,
	"1: priority: \"1001\" is out of range; write 0 to 1000"},
    {"stream \"a\" { priority = -1 }\n" LISTENER,
	"1: priority: \"-1\" is out of range; write 0 to 1000"},
    {"stream \"a\" { exempt = maybe }\n" LISTENER,
	"1: exempt: \"maybe\" is not known here; write yes or no"},
    {"stream \"a\" { campaign_header = \"X Campaign\" }\n" LISTENER,
	"1: campaign_header: \"X Campaign\" is not the name of a header field; write the name of a header field"},
    {"stream \"a\" { networks = {192.0.2.300, \"10.0.0.0/8\", \"::/129\"} }\n" LISTENER,
	"1: networks: \"192.0.2.300\" is not a network; write addresses or networks such as 192.0.2.0/24 or 2001:db8::/32\n"
	"1: networks: \"::/129\" is not a network; write addresses or networks such as 192.0.2.0/24 or 2001:db8::/32"},
    {"stream \"a\" { senders = {nobody, \"a@b@c\", \"@\", \"x@ok.example\"} }\n" LISTENER,
	"1: senders: \"nobody\" is not an address; write addresses, or @DOMAIN for all of a domain\n"
	"1: senders: \"a@b@c\" is not an address; write addresses, or @DOMAIN for all of a domain\n"
	"1: senders: \"@\" is not an address; write addresses, or @DOMAIN for all of a domain"},
    {"stream \"a\" { from_domains = {\"-a.example\"} }\n" LISTENER,
	"1: from_domains: \"-a.example\" is not a domain; write domains"},
    {"stream \"a\" { headers = {\"X-Mailer\"} }\n" LISTENER,
	"1: headers: \"X-Mailer\" is without a colon; write 'NAME: PATTERN', the pattern as in pcre2pattern(3)"},
    {"stream \"a\" { headers = {\"X Mailer: x\"} }\n" LISTENER,
	"1: headers: \"X Mailer: x\" is without the name of a header field; write 'NAME: PATTERN', the pattern as in pcre2pattern(3)"},
    {"stream \"a\" { headers = {\"X-Mailer:\"} }\n" LISTENER,
	"1: headers: \"X-Mailer:\" is without a pattern; write 'NAME: PATTERN', the pattern as in pcre2pattern(3)"},
    {"stream \"a\" { headers = {\"X-Mailer: (\"} }\n" LISTENER,
	"1: headers: \"X-Mailer: (\" is not a pattern (pattern: missing closing parenthesis at character 2); write 'NAME: PATTERN', the pattern as in pcre2pattern(3)"},
    {"stream \"a\" { sasl_users = {\"\"} }\n" LISTENER,
	"1: sasl_users is blank; write SASL login names, or leave the option out"},
    {"stream \"a/b\" { }\n" LISTENER,
	"1: \"a/b\" is no name for a section; write 1 to 64 letters, digits, dots, hyphens and underscores"},
    {"stream \"\" { }\n" LISTENER,
	"1: \"\" is no name for a section; write 1 to 64 letters, digits, dots, hyphens and underscores"},
    {"canonical { plus_domains = {\"a b\"} }\n" LISTENER,
	"1: plus_domains: \"a b\" is not a domain; write domains"},
    {"trusted { networks = {all} }\n" LISTENER,
	"1: networks: \"all\" is not a network; write addresses or networks such as 192.0.2.0/24 or 2001:db8::/32"},
    {"suppression \"a\" { action = delay }\n" LISTENER,
	"1: action: \"delay\" is not known here; write quarantine or reject"},
    {"suppression \"a\" { text = \"caf\303\251\" }\n" LISTENER,
	"1: text: \"caf\\xc3\\xa9\" is not plain ASCII; write at most 200 plain ASCII characters"},
    {"suppression \"a\" { text = \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" }\n" LISTENER,
	"1: text: \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\" is too long; write at most 200 plain ASCII characters"},
    {"limit \"a\" { }\n" LISTENER,
	"1: limit \"a\" has no at_most; write at_most = N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 4 }\n" LISTENER,
	"1: at_most: \"4\" is not a limit; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 4/ }\n" LISTENER,
	"1: at_most: \"4/\" is without a window such as 20h, 7d or 2w after the /; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = /7d }\n" LISTENER,
	"1: at_most: \"/7d\" is without a number of contacts below a million; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = x/7d }\n" LISTENER,
	"1: at_most: \"x/7d\" is without a number of contacts below a million; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = -1/7d }\n" LISTENER,
	"1: at_most: \"-1/7d\" is without a number of contacts below a million; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 4/0 }\n" LISTENER,
	"1: at_most: \"4/0\" is without a window such as 20h, 7d or 2w after the /; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 4/7 }\n" LISTENER,
	"1: at_most: \"4/7\" is without a window such as 20h, 7d or 2w after the /; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 1.2345/7d }\n" LISTENER,
	"1: at_most: \"1.2345/7d\" is without a number of contacts below a million; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = 1000000/7d }\n" LISTENER,
	"1: at_most: \"1000000/7d\" is without a number of contacts below a million; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = \"2 per year\" }\n" LISTENER,
	"1: at_most: \"2 per year\" is without a calendar window after per; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = \"2 per calendar-decade\" }\n" LISTENER,
	"1: at_most: \"2 per calendar-decade\" is without a calendar window after per; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = \"2 per  calendar-year\" }\n" LISTENER,
	"1: at_most: \"2 per  calendar-year\" is without a calendar window after per; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = \"\" }\n" LISTENER,
	"1: at_most is blank; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient, or leave the option out"},
    {"limit \"a\" { at_most = 1/1d action = accept }\n" LISTENER,
	"1: action: \"accept\" is not known here; write delay, quarantine or reject"},
    {"limit \"a\" { at_most = 1/1d count = {promotional, offers} }\n" LISTENER,
	"1: count: \"offers\" is neither a purpose nor a sentiment; write promotional, newsletter, appreciation, occasion, transactional, personal, positive, negative or neutral"},
    {"limit \"a\" { at_most = \"12 since negative\" }\n" LISTENER,
	"1: at_most: \"12 since negative\" is not a limit; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = \"x since positive\" }\n" LISTENER,
	"1: at_most: \"x since positive\" is not a limit; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = \" since positive\" }\n" LISTENER,
	"1: at_most: \" since positive\" is not a limit; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"limit \"a\" { at_most = Recipient }\n" LISTENER,
	"1: at_most: \"Recipient\" is not a limit; write N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"\nlimit \"a\" {\naction = reject\n}\n" LISTENER,
	"2: limit \"a\" has no at_most; write at_most = N/WINDOW such as 4/7d, \"N per calendar-day\", week, month, quarter or year, \"N since positive\", or recipient"},
    {"stream \"a\" {\npurpose = occasion\noccasion = \"birth day\"\n}\n" LISTENER,
	"3: occasion: \"birth day\" is no name of an occasion; write 1 to 64 letters, digits, hyphens and underscores"},
    {"occasion \"a\" {\noccasions = {birthday, \"name.day\"}\n}\n" LISTENER,
	"2: occasions: \"name.day\" is no name of an occasion; write 1 to 64 letters, digits, hyphens and underscores"},
    {"limit \"a\" {\nat_most = 1/1d\nat_least = 1/1d\naction = reject\n}\n" LISTENER,
	"3: at_least: at_most is given too, in line 2; write two limits"},
    {"limit \"a\" {\nat_least = 1/1d\n}\n" LISTENER,
	"1: action: a limit with at_least cannot delay, waiting brings no contact; write action = reject or quarantine"},
    {"limit \"a\" {\nat_least = 1/1d\naction = delay\n}\n" LISTENER,
	"3: action: a limit with at_least cannot delay, waiting brings no contact; write action = reject or quarantine"},
    {"limit \"a\" {\naction = reject\nat_least = 0/1d\n}\n" LISTENER,
	"3: at_least: 0 contacts are always there; write a higher number"},
    {"limit \"a\" {\naction = reject\nat_least = recipient\n}\n" LISTENER,
	"3: at_least: \"recipient\" is not a limit; write N/WINDOW such as 1/365d, or \"N per calendar-day\", week, month, quarter or year"},
    {"limit \"a\" {\naction = reject\nat_least = \"1 since positive\"\n}\n" LISTENER,
	"3: at_least: \"1 since positive\" is not a limit; write N/WINDOW such as 1/365d, or \"N per calendar-day\", week, month, quarter or year"},
    {"limit \"a\" {\naction = reject\nat_least = 1/401d\n}\n" LISTENER,
	"3: at_least: a window of 401d is longer than history (400d); shorten it or lengthen history"},
    {"limit \"a\" {\naction = reject\nat_least = 1/30d\nrest = 1d\nlook_ahead = 1d\n}\n" LISTENER,
	"4: rest: only a limit with at_most = N/WINDOW, N per calendar window or N since positive can rest; leave rest out\n"
	"5: look_ahead: at_least counts only what has come; leave look_ahead out"},
    {"limit \"a\" {\nat_most = recipient\nrest = 1d\n}\n" LISTENER,
	"3: rest: only a limit with at_most = N/WINDOW, N per calendar window or N since positive can rest; leave rest out"},
    {"limit \"a\" {\nat_most = 0/30d\nrest = 1d\n}\n" LISTENER,
	"3: rest: at_most = 0 is never reached, it lets nothing pass; leave rest out"},
    {"history = 90d\nlimit \"a\" {\nat_most = 2/30d\nrest = 61d\n}\n" LISTENER,
	"4: rest: 61d after a window of 30d is longer than history (90d); shorten it or lengthen history"},
    {"history = 90d\nlimit \"a\" {\nat_most = 2/30d\nrest = 60d\n}\n" LISTENER,
	""},
    {"history = 90d\nlimit \"a\" {\nat_most = \"1 per calendar-month\"\nrest = 59d\n}\n" LISTENER,
	"4: rest: 59d after a window of calendar-month is longer than history (90d); shorten it or lengthen history"},
    {"limit \"a\" { at_most = 2/30d rest = forever look_ahead = 367d }\n" LISTENER,
	"1: rest: \"forever\" is not a duration (90s, 15m, 20h, 7d, 2w); write 0 to 3660d\n"
	"1: look_ahead: \"367d\" is out of range; write 0 to 366d"},
    {"limit \"a\" { at_most = 1/1d direction = both }\n" LISTENER,
	"1: direction: \"both\" is not known here; write out, in or any"},
    {"stream \"a\" { firm_after = 0 }\n" LISTENER,
	"1: firm_after: \"0\" is out of range; write 1 to 1000"},
    {"limit \"a\" { at_most = 1/1d purposes = spam }\n" LISTENER,
	"1: purposes: \"spam\" is not a purpose; write promotional, newsletter, appreciation, occasion, transactional or personal"},
    {"limit \"a\" { at_most = 1/1d channels = {pager} }\n" LISTENER,
	"1: channels: \"pager\" is not a channel; write email, phone, sms, post, fax, visit or web"},
    {"limit \"a\" { at_most = 1/1d by = same }\n" LISTENER,
	"1: by: \"same\" is not known here; write any, same-owner or other-owner"},
    {"limit \"a\" { at_most = 1/1d same = person }\n" LISTENER,
	"1: same: \"person\" is not known here; write none, stream, owner, brand, campaign, offer or list"},
    {"breaker \"a\" { complaints = 0.3 }\n" LISTENER,
	"1: complaints: \"0.3\" is not a percentage such as 0.3%; write a percentage from 0% to 100%, up to three decimals"},
    {"breaker \"a\" { bounces = \"%\" unsubscribes = \"-1%\" complaints = \"0.1234%\" }\n" LISTENER,
	"1: complaints: \"0.1234%\" is not a percentage such as 0.3%; write a percentage from 0% to 100%, up to three decimals\n"
	"1: unsubscribes: \"-1%\" is not a percentage such as 0.3%; write a percentage from 0% to 100%, up to three decimals\n"
	"1: bounces: \"%\" is not a percentage such as 0.3%; write a percentage from 0% to 100%, up to three decimals"},
    {"breaker \"a\" { bounces = \"100.001%\" }\nbreaker \"b\" { bounces = \"100%\" }\n" LISTENER,
	"1: bounces: \"100.001%\" is more than everything; write a percentage from 0% to 100%, up to three decimals"},
    {"breaker \"a\" { at_least = 0 window = 59m }\n" LISTENER,
	"1: at_least: \"0\" is out of range; write 1 to 1000000000\n"
	"1: window: \"59m\" is out of range; write 1h to 90d; without it, the whole campaign"},
    {"breaker \"Paused-Campaign\" { }\n" LISTENER,
	"1: breaker \"paused-campaign\" is always there and needs no section; give this one another name"},
    {"limit \"a\" { at_most = 1/1d weights = {\"pager=1\", phone, \"phone=x\", \"phone=\", \"sms=1\", \"sms=2\"} }\n" LISTENER,
	"1: weights: \"pager=1\" is for no channel that is known; write \"CHANNEL=N\", N from 0 and below 1000000, up to three decimals\n"
	"1: weights: \"phone\" is without a =; write \"CHANNEL=N\", N from 0 and below 1000000, up to three decimals\n"
	"1: weights: \"phone=x\" is without a number such as 3 or 0.5; write \"CHANNEL=N\", N from 0 and below 1000000, up to three decimals\n"
	"1: weights: \"phone=\" is without a number such as 3 or 0.5; write \"CHANNEL=N\", N from 0 and below 1000000, up to three decimals\n"
	"1: weights: \"sms=2\" is a second weight for this channel; write \"CHANNEL=N\", N from 0 and below 1000000, up to three decimals"},
    {"limit \"a\" { at_most = 1/1d zone = \"Mars\" }\n" LISTENER,
	"1: zone: \"Mars\" is no time zone this machine knows; write a name of the time zone database"},
    {"limit \"a\" { at_most = 1/1d mode = off }\n" LISTENER,
	"1: mode: \"off\" is not known here; write enforce or monitor"},
};

static const struct row sockets[] = {
    {"listener \"b\" { socket = \"unix:/run/x\" }\nlistener \"c\" { socket = \"local:/run//./x\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on unix:/run/x already; give this one another"},
    {"listener \"b\" { socket = \"inet:8891\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet:8891 already; give this one another"},
    {"listener \"b\" { socket = \"inet:08891@localhost\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet:08891@localhost already; give this one another"},
    {"listener \"b\" { socket = \"inet:8891@0.0.0.0\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet:8891@0.0.0.0 already; give this one another"},
    {"listener \"b\" { socket = \"inet6:8891@[::1]\" }\nlistener \"c\" { socket = \"inet6:8891@LOCALHOST\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet6:8891@[::1] already; give this one another"},
    {"listener \"b\" { socket = \"inet:8891@127.0.0.2\" }\nlistener \"c\" { socket = \"inet6:8891@::1\" }\n"
     "listener \"d\" { socket = \"inet:8892\" }\nlistener \"e\" { socket = \"unix:/run/x\" }\nlistener \"f\" { socket = \"unix:/run/X\" }\n" LISTENER,
	""},
#define BOTH " already, and all of inet6 takes the port of inet too; write an address, as in inet6:PORT@::1, or another port"
    {"listener \"b\" { socket = \"inet:18895\" }\nlistener \"c\" { socket = \"inet6:18895\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet:18895" BOTH},
    {"listener \"b\" { socket = \"inet:18895@127.0.0.1\" }\nlistener \"c\" { socket = \"inet6:18895@::\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet:18895@127.0.0.1" BOTH},
    {"listener \"b\" { socket = \"inet6:18895@[::]\" }\nlistener \"c\" { socket = \"inet:18895@127.0.0.1\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet6:18895@[::]" BOTH},
    {"listener \"b\" { socket = \"inet6:18895\" }\nlistener \"c\" { socket = \"inet6:18895@::1\" }\n" LISTENER,
	"2: socket: listener \"b\" stands on inet6:18895 already; give this one another"},
    {"listener \"b\" { socket = \"inet6:18895@::1\" }\nlistener \"c\" { socket = \"inet:18895\" }\nlistener \"d\" { socket = \"inet6:18896\" }\n" LISTENER,
	""},
    {"gate_socket = \"/run/g\"\npass_socket = \"/run/p\"\nrefuse_socket = \"/run/r\"\n"
     "listener \"b\" { socket = \"unix:/run/g\" }\nlistener \"c\" { socket = \"local:/run/./p\" }\nlistener \"d\" { socket = \"unix://run/r\" }\n" LISTENER,
	"4: socket: gate_socket stands on /run/g already; give this listener another\n"
	"5: socket: pass_socket stands on /run/p already; give this listener another\n"
	"6: socket: refuse_socket stands on /run/r already; give this listener another"},
    {"gate_socket = a\npass_socket = b\n" LISTENER,
	"1: gate_socket: \"a\" is not an absolute path; write an absolute path of at most 107 characters\n"
	"2: pass_socket: \"b\" is not an absolute path; write an absolute path of at most 107 characters"},
    {"gate_socket = \"/run/a\"\npass_socket = \"/run//a\"\n" LISTENER,
	"2: gate_socket and pass_socket are the same socket; write another path"},
};

static const struct row hosts[] = {
    {"host = \"../x\"\n" LISTENER,
	"1: host: \"../x\" is no name of a relay; write at most 253 letters, digits, dots, hyphens and underscores, no dot first"},
    {"host = \"a b/c\"\n" LISTENER,
	"1: host: \"a b/c\" is no name of a relay; write at most 253 letters, digits, dots, hyphens and underscores, no dot first"},
    {"host = \".a\"\n" LISTENER,
	"1: host: \".a\" is no name of a relay; write at most 253 letters, digits, dots, hyphens and underscores, no dot first"},
    {"host = \"Relay_1.b-c.example\"\n" LISTENER,
	""},
    {"host = \"\"\n" LISTENER,
	""},
};

static const struct row contradictions[] = {
    {"\nstrictest_stream = a\nstream \"a\" { purpose = personal }\n" LISTENER,
	"2: strictest_stream: stream \"a\" is exempt from limits; name another, or write exempt = no there"},
    {"\nstrictest_stream = A\nstream \"a\" { purpose = transactional }\n" LISTENER,
	"2: strictest_stream: stream \"a\" is exempt from limits; name another, or write exempt = no there\n"
	"2: strictest_stream: stream \"a\" does not count toward limits; name another, or write counts = yes there"},
    {"strictest_stream = a\nstream \"a\" { purpose = personal exempt = no }\n" LISTENER,
	""},
    {"stream \"unmatched\" { exempt = yes }\n" LISTENER,
	"1: stream \"unmatched\", to which unmatched mail falls, is exempt from limits; write exempt = no there"},
    {"stream \"unmatched\" { purpose = transactional }\n" LISTENER,
	"1: stream \"unmatched\", to which unmatched mail falls, is exempt from limits; write exempt = no there\n"
	"1: stream \"unmatched\", to which unmatched mail falls, does not count toward limits; write counts = yes there"},
    {"strictest_stream = unmatched\nstream \"unmatched\" { purpose = personal }\n" LISTENER,
	"1: strictest_stream: stream \"unmatched\" is exempt from limits; name another, or write exempt = no there"},
    {"strictest_stream = a\nstream \"a\" { counts = no }\n" LISTENER,
	"1: strictest_stream: stream \"a\" does not count toward limits; name another, or write counts = yes there"},
    {"stream \"a\" { owner = leeds }\n" LISTENER,
	"1: owner: there is no owner \"leeds\"; add the section owner \"leeds\" { }"},
    {"owner \"leeds\" { }\nstream \"a\" { owner = leds }\n" LISTENER,
	"2: owner: there is no owner \"leds\"; did you mean leeds?"},
    {"stream \"a\" { brand = acme }\n" LISTENER,
	"1: brand: there is no brand \"acme\"; add the section brand \"acme\" { }"},
    {"stream \"a\" { listeners = {lan} }\n" LISTENER,
	"1: listeners: there is no listener \"lan\"; add the section listener \"lan\" { }"},
    {"trusted { listeners = {lan} }\n" LISTENER,
	"1: listeners: there is no listener \"lan\"; add the section listener \"lan\" { }"},
    {"strictest_stream = offers\n" LISTENER,
	"1: strictest_stream: there is no stream \"offers\"; add the section stream \"offers\" { }"},
    {"limit \"a\" { at_most = 1/1d streams = {b} }\n" LISTENER,
	"1: streams: there is no stream \"b\"; add the section stream \"b\" { }"},
    {"limit \"a\" { at_most = 1/1d brands = {b} owners = {c} }\n" LISTENER,
	"1: brands: there is no brand \"b\"; add the section brand \"b\" { }\n"
	"1: owners: there is no owner \"c\"; add the section owner \"c\" { }"},
    {"limit \"a\" { at_most = 1/1d count_streams = {b} count_brands = {b} count_owners = {c} }\n" LISTENER,
	"1: count_streams: there is no stream \"b\"; add the section stream \"b\" { }\n"
	"1: count_brands: there is no brand \"b\"; add the section brand \"b\" { }\n"
	"1: count_owners: there is no owner \"c\"; add the section owner \"c\" { }"},
    {"suppression \"a\" { streams = {b} brands = {c} owners = {d} }\n" LISTENER,
	"1: streams: there is no stream \"b\"; add the section stream \"b\" { }\n"
	"1: brands: there is no brand \"c\"; add the section brand \"c\" { }\n"
	"1: owners: there is no owner \"d\"; add the section owner \"d\" { }"},
    {"limit \"a\" { at_most = 1/401d }\n" LISTENER,
	"1: at_most: a window of 401d is longer than history (400d); shorten it or lengthen history"},
    {"history = 365d\nlimit \"a\" { at_most = \"1 per calendar-year\" }\n" LISTENER,
	"2: at_most: a window of calendar-year is longer than history (365d); shorten it or lengthen history"},
    {"history = 3d\n" LISTENER,
	"1: retry_window (5d) is longer than history (3d); write no more"},
    {"retry_window = 20d\nhistory = 10d\n" LISTENER,
	"1: retry_window (20d) is longer than history (10d); write no more"},
    {"stream \"a\" { purpose = personal max_delay = 1d }\n" LISTENER,
	"1: max_delay: stream \"a\" is exempt from limits and never delayed; leave max_delay out or write exempt = no"},
    {"stream \"a\" { exempt = yes max_delay = 1d }\n" LISTENER,
	"1: max_delay: stream \"a\" is exempt from limits and never delayed; leave max_delay out or write exempt = no"},
    {"slot_length = 1h\nmax_delay = 10m\n" LISTENER,
	"1: slot_length (1h) is longer than max_delay (10m); write no more"},
    {"slot_length = 1h\nstream \"a\" { max_delay = 10m }\n" LISTENER,
	"2: max_delay: shorter than slot_length (1h); write no less"},
    {"release_spread = 1d\nmax_delay = 1h\n" LISTENER,
	"1: release_spread (1d) is longer than max_delay (1h); write no more"},
    {"rcpt_timeout = 30s\n" LISTENER,
	"1: rcpt_timeout (30s) is longer than message_timeout (20s); write no more"},
    {"message_timeout = 4s\n" LISTENER,
	"1: rcpt_timeout (5s) is longer than message_timeout (4s); write no more"},
    {"gate_domain = \"x.invalid\"\nreview_domain = \"X.invalid\"\n" LISTENER,
	"2: review_domain: gate_domain (x.invalid) and review_domain (x.invalid) must lie apart; write another domain"},
    {"review_domain = \"r.later.tact.invalid\"\n" LISTENER,
	"1: review_domain: gate_domain (later.tact.invalid) and review_domain (r.later.tact.invalid) must lie apart; write another domain"},
    {"gate_domain = \"g.review.tact.invalid\"\n" LISTENER,
	"1: gate_domain: gate_domain (g.review.tact.invalid) and review_domain (review.tact.invalid) must lie apart; write another domain"},
    {"gate_socket = \"/run/a\"\npass_socket = \"/run/a\"\n" LISTENER,
	"2: gate_socket and pass_socket are the same socket; write another path"},
    {"refuse_socket = \"/run/tact/gate\"\n" LISTENER,
	"1: gate_socket and refuse_socket are the same socket; write another path"},
    {"listener \"cleanup\" { socket = \"inet:1\" kind = non-smtp }\nstream \"a\" { listeners = {cleanup} delay_by = tempfail }\n" LISTENER,
	"2: listeners: \"cleanup\" is non-smtp, where nobody comes again after a tempfail; write delay_by = queue"},
    {"delay_by = tempfail\nlistener \"cleanup\" { socket = \"inet:1\" kind = non-smtp }\nstream \"a\" { listeners = {cleanup} }\n" LISTENER,
	"3: listeners: \"cleanup\" is non-smtp, where nobody comes again after a tempfail; write delay_by = queue"},
};
/* clang-format on */

static char *mistakes_of(struct tact_arena *arena, const char *text)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int result = tact_config_load("f", text, &config, &mistakes);
	char *all = tact_arena_strdup(arena, "");
	ck_assert_msg((result == TACT_OK) == (mistakes.count == 0), "%s: got %s with %zu mistakes", text,
	    tact_result_name(result), mistakes.count);
	ck_assert_msg((config != NULL) == (result == TACT_OK),
	    "%s: got a configuration beside mistakes, or none without", text);
	for (size_t i = 0; i < mistakes.count; i++) {
		ck_assert_msg(strncmp(mistakes.texts[i], "f:", 2) == 0,
		    "%s: got \"%s\", want it to begin with the file", text, mistakes.texts[i]);
		all = tact_arena_printf(arena, "%s%s%s", all, i > 0 ? "\n" : "", mistakes.texts[i] + 2);
	}
	tact_config_free(&config);
	return all;
}

static void check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct tact_arena *arena = tact_arena_new();
		const char *got = mistakes_of(arena, rows[i].text);
		ck_assert_msg(strcmp(got, rows[i].mistakes) == 0, "of\n%s\ngot\n%s\nwant\n%s", rows[i].text,
		    got, rows[i].mistakes);
		tact_arena_free(&arena);
	}
}

#define ROWS_TEST(name)                                                                                      \
	START_TEST(test_##name)                                                                              \
	{                                                                                                    \
		check_rows(name, sizeof name / sizeof *name);                                                \
	}                                                                                                    \
	END_TEST

ROWS_TEST(names)
ROWS_TEST(repeats)
ROWS_TEST(writing)
ROWS_TEST(going_on)
ROWS_TEST(values)
ROWS_TEST(sockets)
ROWS_TEST(hosts)
ROWS_TEST(contradictions)

/* All in one run, in the order of the file, whoever found them. */
START_TEST(test_all_at_once)
{
	static const struct row rows[] = {{"mdoe = enforce\nslot_size = \"\"\nuser = \"a\\d\"\n"
					   "limit \"a\" { at_most = 1/500d streams = {b} }\nlog = x log = "
					   "y\n",
	    "1: there is no option mdoe at the top level; did you mean mode?\n"
	    "2: slot_size is blank; write 1 to 1000000, or leave the option out\n"
	    "3: between double quotes a backslash must be written \\\\; or put the value between ' and '\n"
	    "4: streams: there is no stream \"b\"; add the section stream \"b\" { }\n"
	    "4: at_most: a window of 500d is longer than history (400d); shorten it or lengthen history\n"
	    "5: log is set a second time, first in line 5; keep one of the two\n"
	    "5: log: \"x\" is not known here; write syslog or stderr\n"
	    "5: log: \"y\" is not known here; write syslog or stderr\n"
	    "5: no listener is given; write listener \"smtp\" { socket = \"inet:8891@127.0.0.1\" }"}};
	check_rows(rows, 1);
}
END_TEST

/* A hundred unknown names are named, and the passes end. */
START_TEST(test_very_many)
{
	struct tact_arena *arena = tact_arena_new();
	char *text = tact_arena_strdup(arena, "");
	for (int i = 0; i < 300; i++)
		text = tact_arena_printf(arena, "%sunknown%d = 1\n", text, i);
	const char *got = mistakes_of(arena, text);
	ck_assert_msg(strstr(got, "100: there is no option unknown99 ") != NULL,
	    "got no word of the hundredth: %s", got);
	ck_assert_msg(
	    strstr(got, "101: there is no option unknown100 here (nothing after this was read)") != NULL,
	    "got no end: %s", got);
	tact_arena_free(&arena);
}
END_TEST

static const char *of_file(struct tact_arena *arena, const char *path, int want)
{
	struct tact_config_mistakes mistakes = {.arena = arena};
	struct tact_config *config = NULL;
	int got = tact_config_load(path, NULL, &config, &mistakes);
	ck_assert_msg(got == want, "got %s, want %s", tact_result_name(got), tact_result_name(want));
	ck_assert_msg(mistakes.count == 1, "got %zu mistakes, want 1", mistakes.count);
	return mistakes.texts[0];
}

START_TEST(test_files)
{
	struct tact_arena *arena = tact_arena_new();
	char folder[] = "/tmp/test_config.XXXXXX";
	ck_assert_msg(mkdtemp(folder) != NULL, "no folder");
	const char *path = tact_arena_printf(arena, "%s/f", folder);
	const char *got = of_file(arena, path, TACT_SYSTEM);
	const char *want = tact_arena_printf(arena, "%s: cannot be read: No such file or directory", path);
	ck_assert_msg(strcmp(got, want) == 0, "got %s, want %s", got, want);
	got = of_file(arena, folder, TACT_SYSTEM);
	want = tact_arena_printf(arena, "%s: cannot be read: Is a directory", folder);
	ck_assert_msg(strcmp(got, want) == 0, "got %s, want %s", got, want);

	FILE *file = fopen(path, "w");
	fwrite("log = syslog\nuser = \"a\0b\"\n", 1, 27, file);
	fclose(file);
	got = of_file(arena, path, TACT_INVALID);
	want = tact_arena_printf(arena,
	    "%s:2: there is a NUL byte here; write the file in UTF-8, without control characters", path);
	ck_assert_msg(strcmp(got, want) == 0, "got %s, want %s", got, want);

	ck_assert_msg(truncate(path, (1 << 20) + 1) == 0, "cannot lengthen the file");
	got = of_file(arena, path, TACT_INVALID);
	want = tact_arena_printf(arena, "%s:1: longer than 1 MiB; is this the right file?", path);
	ck_assert_msg(strcmp(got, want) == 0, "got %s, want %s", got, want);
	unlink(path);
	rmdir(folder);
	tact_arena_free(&arena);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("config: mistakes");
	TCase *tcase = tcase_create("mistakes");
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_repeats);
	tcase_add_test(tcase, test_writing);
	tcase_add_test(tcase, test_going_on);
	tcase_add_test(tcase, test_values);
	tcase_add_test(tcase, test_sockets);
	tcase_add_test(tcase, test_hosts);
	tcase_add_test(tcase, test_contradictions);
	tcase_add_test(tcase, test_all_at_once);
	tcase_add_test(tcase, test_very_many);
	tcase_add_test(tcase, test_files);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
