/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Faults in recipes and targets, and the words for each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/xml.h"

struct fault {
	const char *text;
	int line;
	const char *words; /* all of the message behind the line */
};

static void refused(const char *schema, const char *text, int line, const char *words)
{
	char path[] = "/tmp/hvimg-xml-XXXXXX", want[1200];
	int fd = mkstemp(path);
	xmlDoc *doc = NULL;
	struct error e = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	assert_int_equal(xml_load(path, schema, &doc, &e), -ERR_CORRUPT);
	unlink(path);
	snprintf(want, sizeof(want), "%s:%d: %s", path, line, words);
	assert_string_equal(e.text, want);
}

#define RECIPE "<recipe name='r' tested='plan'>\n<title>t</title>\n"
#define HEAD RECIPE "<source image='a'/>\n"
#define OUTPUT "<output file='r.vhdx' format='vhdx'/>\n"
#define TAIL OUTPUT "</recipe>\n"
#define GIVEN " or a text with a parameter, ${NAME}"

/* Attributes: unknown, missing, of another value. */
static const struct fault attributes[] = {
	{ HEAD "<write pth='/a'>x</write>" TAIL, 4,
		"<write> has no attribute pth: did you mean path? it can have when, path, mode, "
		"owner "
		"or group" },
	{ HEAD "<remove path='/a' force='yes'/>" TAIL, 4,
		"<remove> has no attribute force: it can have when or path" },
	{ RECIPE "<source image='a'/>\n<resize/>" TAIL, 4, "<resize> needs the attribute size" },
	{ "<recipe tested='plan'/>", 1, "<recipe> needs the attribute name" },
	{ RECIPE "<source/>" TAIL, 3, "<source> needs the attribute image, tar or suite" },
	{ RECIPE "<source tar='a'/>" TAIL, 3, "<source> needs the attribute disk-size" },
	{ RECIPE "<source image='a' tar='b'/>" TAIL, 3,
		"<source> cannot have the attribute tar beside its others" },
	{ RECIPE "<source image='a' disk-size='1G'/>" TAIL, 3,
		"<source> cannot have the attribute disk-size beside its others" },
	{ RECIPE "<source image='a' sha256='12'/>" TAIL, 3,
		"the attribute sha256 of <source> has to be 64 digits of 0-9 and a-f, empty" GIVEN
		", and not \"12\"" },
	{ HEAD "<chmod path='/a' mode='999'/>" TAIL, 4,
		"the attribute mode of <chmod> has to be three or four octal digits" GIVEN
		", and not \"999\"" },
	{ HEAD "<remove path='a'/>" TAIL, 4,
		"the attribute path of <remove> has to be a path that begins with \"/\"" GIVEN
		", and not \"a\"" },
	{ HEAD "<windows ems='yes'/>" TAIL, 4,
		"the attribute ems of <windows> has to be \"true\" or \"false\", and not \"yes\"" },
	{ HEAD OUTPUT "<upload keep-versions='1001'/></recipe>", 5,
		"the attribute keep-versions of <upload> has to be a number from 0 to 1000, and "
		"not "
		"\"1001\"" },
	{ HEAD OUTPUT "<upload method='post'/></recipe>", 5,
		"the attribute method of <upload> has to be \"put\" or \"import\", and not "
		"\"post\"" },
	/* What may be a secret is shown whole or not at all. */
	{ HEAD "<remove path='"
	       "0123456789012345678901234567890123456789012345678901234567890123456789012345678901"
	       "'/>" TAIL,
		4, "the attribute path of <remove> has to be a path that begins with \"/\"" GIVEN },
};

/* Elements: unknown, in the wrong place, missing; and their texts. */
static const struct fault elements[] = {
	{ "<recipes/>", 1, "the document has to be a <recipe> or <part>, and not <recipes>" },
	{ HEAD "<wirte path='/a'>x</wirte>" TAIL, 4,
		"<wirte> cannot be in <recipe>: did you mean <write>?" },
	{ HEAD "<output file='a' format='raw'><key/></output></recipe>", 4,
		"<key> cannot be in <output>: here can be <target> or <property>" },
	{ HEAD "<mkdir path='/a'><b/></mkdir>" TAIL, 4, "<b> cannot be in <mkdir>" },
	{ "<recipe name='r' tested='plan'>\n<source image='a'/>" TAIL, 2,
		"<source> cannot be at this place in <recipe>: here can be <title>" },
	{ HEAD OUTPUT "<seal/></recipe>", 5,
		"<seal> cannot be at this place in <recipe>: here can be <output>, <bundle> or "
		"<upload>" },
	{ HEAD OUTPUT "<upload/>\n<bundle/></recipe>", 6,
		"<bundle> cannot be at this place in <recipe>" },
	{ HEAD "</recipe>", 1, "<recipe> ends without <output>" },
	{ "<part/>", 1, "<part> ends without <title>" },
	{ RECIPE "<source suite='a' mirror='b' disk-size='1G'/>" TAIL, 3,
		"<source> ends without <package>" },
	{ HEAD "<mkdir path='/a'>x</mkdir>" TAIL, 4, "<mkdir> cannot have text in it" },
	{ HEAD "<user name='a'>\n<key/></user>" TAIL, 5,
		"the text in <key> has to be a text of one line" },
	/* The first of several, wherever it is. */
	{ HEAD "<user name='a'>\n<key>a</key><kye>b</kye></user><chmod/>" TAIL, 5,
		"<kye> cannot be in <user>: did you mean <key>?" },
};

#define TARGET                                                                                     \
	"<target name='x' family='x' firmware='uefi' disks='sd' evidence='tested'>\n"              \
	"<title>x</title>\n"

static const struct fault targets[] = {
	{ "<target name='x' family='x' firmware='efi' disks='sd' evidence='tested'/>", 1,
		"the attribute firmware of <target> has to be \"bios\", \"uefi\" or \"any\", and "
		"not "
		"\"efi\"" },
	{ TARGET "<module name='a' role='bus' need='soon'/></target>", 3,
		"the attribute need of <module> has to be \"boot\", \"later\" or \"optional\", and "
		"not "
		"\"soon\"" },
	{ TARGET "<module name='a' need='boot'/></target>", 3,
		"<module> needs the attribute role" },
	{ TARGET "<driver service='a' role='bus' need='boot' last='0'/></target>", 3,
		"the attribute last of <driver> has to be a number from 1 to 999999, and not "
		"\"0\"" },
	{ TARGET "<driver service='a' role='bus' need='boot'>\n<file name='a.sys'/>"
		 "<parameter name='a' value='1'/><file name='a.exe'/></driver></target>",
		4,
		"the attribute name of <file> has to be a file name that ends in .sys, and not "
		"\"a.exe\"" },
	{ TARGET "<driver service='a' role='bus' need='boot'><files/></driver></target>", 3,
		"<files> cannot be in <driver>: did you mean <file>?" },
	{ TARGET "<service name='a'><package name='b'/></service></target>", 3,
		"<package> cannot be at this place in <service>: here can be <unit>" },
	{ TARGET "<service name='a'><unit name='b.service'/></service></target>", 3,
		"<service> ends without <package>" },
	{ "<shared/>", 1,
		"<shared> ends without <module>, <argument>, <service>, <datasource>, <property>, "
		"<disk>, <driver>, <foreign> or <setting>" },
};

#define all(schema, list)                                                                          \
	for (size_t i = 0; i < sizeof(list) / sizeof(*(list)); i++)                                \
	refused(schema, (list)[i].text, (list)[i].line, (list)[i].words)

static void test_attributes(void **state)
{
	(void)state;
	all("recipes/recipe.rng", attributes);
}

static void test_elements(void **state)
{
	(void)state;
	all("recipes/recipe.rng", elements);
}

static void test_targets(void **state)
{
	(void)state;
	all("recipes/target.rng", targets);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
