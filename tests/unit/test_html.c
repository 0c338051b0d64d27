/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Texts that would be markup, or deceive, in a page; and a page of hostile documents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>

#include "job/html.h"
#include "job/report_html.h"

static struct error e;

static void shown(const char *text, const char *want)
{
	struct buffer out = { 0 };
	struct html h = { .out = &out, .e = &e };

	html_text(&h, text);
	assert_int_equal(h.rc, 0);
	assert_string_equal(buffer_text(&out), want);
	buffer_free(&out);
}

static void test_text(void **state)
{
	(void)state;
	shown(NULL, "");
	shown("a\tb\nc", "a\tb\nc");
	shown("<script>alert('1') & \"2\"</script>",
		"&lt;script&gt;alert(&#39;1&#39;) &amp; &quot;2&quot;&lt;/script&gt;");
	shown("&lt;", "&amp;lt;");
	shown("\x01\x1b[31m\r\x7f", "[U+0001][U+001B][31m[U+000D][U+007F]");
	shown("a\xe2\x80\xae"
	      "b\xe2\x81\xa6\xd8\x9c",
		"a[U+202E]b[U+2066][U+061C]");
	shown("\xe2\x80\x8b\xef\xbb\xbf\xc2\x85\xf3\xa0\x81\x81",
		"[U+200B][U+FEFF][U+0085][U+E0041]");
	shown("\xff\xc0\x80\xed\xa0\x80z",
		"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz");
	shown("\xef\xbf\xbf\xef\xb7\x90", "\xef\xbf\xbd\xef\xbf\xbd");
	shown("\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd");
	shown("Gr\xc3\xbc\xc3\x9f"
	      "e \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xf0\x9f\x90\xa7",
		"Gr\xc3\xbc\xc3\x9f"
		"e \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xf0\x9f\x90\xa7");
}

static void test_put(void **state)
{
	struct buffer out = { 0 };
	struct html h = { .out = &out, .e = &e };

	(void)state;
	html_put(&h, "<p class=\"%\">% and %</p>", "a\"b", "50%", NULL);
	assert_string_equal(buffer_text(&out), "<p class=\"a&quot;b\">50% and </p>");
	buffer_free(&out);
}

/* Each @ of the document becomes what should not be in a page. */
static json_t *document(const char *text)
{
	char filled[16384];
	size_t len = 0;
	json_error_t fault;
	json_t *json;

	for (; *text; text++) {
		const char *piece = *text == '@'
			? "</td><script>x()</script>\xe2\x80\xae\\u0001' \\\""
			: (const char[]){ *text, 0 };

		memcpy(filled + len, piece, strlen(piece));
		len += strlen(piece);
	}
	json = json_loadb(filled, len, 0, &fault);
	if (!json)
		fail_msg("%s at %d", fault.text, fault.position);
	return json;
}

#define FINDING "{'code':'@','severity':'error','text':'@','fix':'@','path':'@'}"
#define READY                                                                                      \
	"{'@':{'title':'@','family':'@','ready':false,'fixable':true,'evidence':'@','findings':"   \
	"[" FINDING "]}}"

static json_t *quoted(const char *text)
{
	char copy[4096];
	size_t i = 0;

	for (; text[i]; i++)
		copy[i] = text[i] == '\'' ? '"' : text[i];
	copy[i] = 0;
	return document(copy);
}

static void write_page(const char *style, struct buffer *out)
{
	json_t *plan = quoted(
		"{'recipe':'@','title':'@','tested':'@','parameters':{'@':'@','b':null},"
		"'source':{'kind':'@','location':'@','sha256':'@','packages':['@']},"
		"'steps':[{'do':'@','path':'@','list':['@']}],'drivers':['@'],'seal':['@'],"
		"'windows':{'@':'@','ems':true},'targets':['@'],'outputs':[{'file':'@',"
		"'format':'@','profile':'@','options':['@'],'file_size':-1,'virtual_size':0,"
		"'sha256':'@','descriptions':[{'file':'@','target':'@'}]}],"
		"'bundle':{'kind':'@','compress':'@','name':'@'},"
		"'upload':{'cloud':'@','method':'@','rotate':true,'keep_versions':3}}");
	json_t *edits = quoted(
		"{'edits':[{'action':'@','volume':'@','path':'@','why':'@',"
		"'before':null,'after':{'mode':'@','size':5}}],'registry':[{'action':'@',"
		"'hive':'@','key':'@','value':'@','why':'@','before':{'type':'@',"
		"'data':['@']},'after':{'type':'@','data':'@@@@@@@@@'}}]}");
	json_t *state = quoted(
		"{'guest':'@','architecture':'@','volumes':[{'id':'@','type':'@',"
		"'filesystem':'@','label':'@','use':'@','offset':-5,"
		"'size':9223372036854775807}],'before':" READY ",'after':" READY
		",'notes':[" FINDING "],'descriptions':{'@':{'@':'@','tags':['@']}}}");
	struct map_picture map;
	struct report_html page = {
		.plan = plan, .edits = edits, .state = state, .map = &map, .style = style
	};

	assert_int_equal(map_picture_open(&map, 0, 4, &e), 0);
	assert_int_equal(report_html_write(&page, out, &e), 0);
	map_picture_close(&map);
	json_decref(plan);
	json_decref(edits);
	json_decref(state);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text += strlen(word))
		n++;
	return n;
}

static void test_page(void **state)
{
	struct buffer one = { 0 }, two = { 0 };
	const char *text;
	xmlDoc *doc;

	(void)state;
	write_page("p { color: red }", &one);
	write_page("p { color: red }", &two);
	text = buffer_text(&one);
	assert_string_equal(text, buffer_text(&two));
	assert_int_equal(count(text, "<script"), 0);
	assert_int_equal(count(text, "\xe2\x80\xae") + count(text, "\x01"), 0);
	/* Of both lists of findings and the notes four texts each, and so on: none is lost. */
	assert_true(
		count(text,
			"&lt;/td&gt;&lt;script&gt;x()&lt;/script&gt;[U+202E][U+0001]&#39; &quot;") >
		60);
	assert_non_null(strstr(text, "secret, not shown"));
	doc = xmlReadMemory(text, (int)one.len, "page", NULL, XML_PARSE_NOERROR | XML_PARSE_NONET);
	assert_non_null(doc);
	xmlFreeDoc(doc);
	buffer_free(&one);
	buffer_free(&two);
}

static void test_style(void **state)
{
	struct map_picture map = { 0 };
	struct report_html page = { .map = &map, .style = "p{}</STYLE><script>" };
	struct buffer out = { 0 };

	(void)state;
	assert_int_equal(report_html_write(&page, &out, &e), -ERR_UNSUPPORTED);
	buffer_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_style),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
