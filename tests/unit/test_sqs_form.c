/* test_sqs_form.c - the query protocol in and out: what a client writes with numbered names, and what it reads as XML. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/json.h"
#include "gateway/sqs_form.h"
#include "gateway/sqs_xml.h"

static struct http_fields fields;

/* The payload of a form as JSON text; NULL if it is refused. */
static const char *read_form(const char *form, char action[static 64])
{
    static char text[4096];
    struct buf out = {0}, name = {0}, json = {0};
    struct err e;
    const char *result = NULL;
    if (sqs_form_read(&fields, slice_text(form), &out, &name, &e) == 0) {
        struct value v = value_of(buf_slice(&out));
        assert_int_equal(json_from_value(&v, &json), 0);
        snprintf(text, sizeof text, "%.*s", (int)json.len, (const char *)json.data);
        snprintf(action, 64, "%.*s", (int)name.len, (const char *)name.data);
        result = text;
    } else {
        assert_int_equal(e.code, ERR_BAD_REQUEST);
    }
    buf_finish(&out);
    buf_finish(&name);
    buf_finish(&json);
    return result;
}

static void check_form(const char *form, const char *json)
{
    char action[64];
    assert_string_equal(read_form(form, action), json);
}

static void refuse_form(const char *form)
{
    char action[64];
    assert_null(read_form(form, action));
}

static void names_become_what_the_json_protocol_says(void **state)
{
    (void)state;
    char action[64];
    assert_string_equal(read_form("Action=SendMessage&MessageBody=hi+there%21&Version=2012-11-05", action),
                        "{\"Action\":\"SendMessage\",\"MessageBody\":\"hi there!\",\"Version\":\"2012-11-05\"}");
    assert_string_equal(action, "SendMessage");
    check_form("Attributes=x&Attribute.1.Name=a&SendMessageBatchRequestEntry.1.Id=b&DeleteMessageBatchRequestEntry.1.Id=c",
               "{\"Attributes\":\"x\",\"Entries\":[{\"Id\":\"b\"}]}");
    check_form("AttributeName.1=All&AttributeName.2=Policy", "{\"AttributeNames\":[\"All\",\"Policy\"]}");
    check_form("Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&Attribute.2.Value=x&Attribute.2.Name=Policy",
               "{\"Attributes\":{\"DelaySeconds\":\"5\",\"Policy\":\"x\"}}");
    check_form("Tag.1.Key=a&Tag.1.Value=b&Tag.2.Key=c", "{\"Tags\":{\"a\":\"b\",\"c\":\"\"}}");
    check_form("MessageAttribute.1.Name=n&MessageAttribute.1.Value.DataType=String&MessageAttribute.1.Value.StringValue=v",
               "{\"MessageAttributes\":{\"n\":{\"DataType\":\"String\",\"StringValue\":\"v\"}}}");
    check_form("SendMessageBatchRequestEntry.1.Id=a&SendMessageBatchRequestEntry.1.MessageBody=x&"
               "SendMessageBatchRequestEntry.1.MessageAttribute.1.Name=n&"
               "SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType=Number&SendMessageBatchRequestEntry.2.Id=b",
               "{\"Entries\":[{\"Id\":\"a\",\"MessageBody\":\"x\",\"MessageAttributes\":{\"n\":{\"DataType\":\"Number\"}}},{"
               "\"Id\":\"b\"}]}");
}

static void numbers_give_the_order(void **state)
{
    (void)state;
    check_form("TagKey.10=ten&TagKey.2=two&TagKey.1=one&TagKey.33=last", "{\"TagKeys\":[\"one\",\"two\",\"ten\",\"last\"]}");
}

static void the_first_of_a_name_counts(void **state)
{
    (void)state;
    check_form("A=1&A=2&&B", "{\"A\":\"1\",\"B\":\"\"}");
    check_form("Tag.1.Key=a&Tag.1.Value=b&Tag.2.Key=a&Tag.2.Value=c", "{\"Tags\":{\"a\":\"b\"}}");
    http_fields_reset(&fields);
    http_fields_add(&fields, slice_text("A"), slice_text("query"), true);
    http_fields_add(&fields, slice_text("a-header"), slice_text("x"), false);
    check_form("A=body&C=%C3%A4", "{\"A\":\"query\",\"C\":\"\xc3\xa4\"}");
    http_fields_reset(&fields);
}

/* So that whoever reads it says what is missing, as with JSON. */
static void what_is_missing_is_empty(void **state)
{
    (void)state;
    check_form("Attribute.1.Value=5", "{\"Attributes\":{\"\":\"5\"}}");
    check_form("Tag.1.Key=a&Tag.2.Value=b&Tag.3.Value=c", "{\"Tags\":{\"a\":\"\",\"\":\"b\"}}");
    check_form("MessageAttribute.1.Name=a", "{\"MessageAttributes\":{\"a\":{}}}");
    check_form("SendMessageBatchRequestEntry.1=x", "{\"Entries\":[{}]}");
    check_form("MessageAttribute.1.Name=a&MessageAttribute.1.Value.StringListValue.1=v",
               "{\"MessageAttributes\":{\"a\":{\"StringListValues\":[\"v\"]}}}");
}

static void what_is_malformed_is_refused(void **state)
{
    (void)state;
    refuse_form("A=%");
    refuse_form("A=%4");
    refuse_form("A=%zz");
    refuse_form("A=%ff");
    refuse_form("%c3=1");
    refuse_form(".=1");
    refuse_form("A..B=1");
    refuse_form("A.=1");
    refuse_form("a.b.c.d.e.f.g.h=1");
    struct buf many = {0};
    for (unsigned i = 0; i <= SQS_FORM_PARAMETERS_MAX; i++)
        buf_printf(&many, "TagKey.%u=x&", i);
    buf_byte(&many, 0);
    refuse_form((const char *)many.data);
    buf_finish(&many);
    check_form("Entry.1.X=1&Z=2", "{\"Z\":\"2\"}"); /* names that the API does not know are left out */
}

static void texts_are_what_xml_can_say(void **state)
{
    (void)state;
    struct buf out = {0};
    sqs_xml_text(&out, slice_text("a\x01\tb\n\xef\xbf\xbe|\xef\xbf\xbf|\xef\xbf\xbd<>&\"\r\x7f"));
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.data,
                        "a\xef\xbf\xbd\tb\n\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd&lt;&gt;&amp;&quot;&#xD;\x7f");
    buf_finish(&out);
}

static void answers_are_flat(void **state)
{
    (void)state;
    static const char json[] =
        "{\"Messages\":[{\"Body\":\"<a> & \\\"b\\\"\\r\",\"Attributes\":{\"SenderId\":\"x\"},\"MessageAttributes\":{\"n\":{"
        "\"DataType\":\"String\",\"StringValue\":\"v\"}}}]}";
    struct buf value = {0}, out = {0};
    struct err e;
    struct json_parser *parser = json_parser_create();
    assert_int_equal(json_to_value(parser, slice_text(json), 10, &value, &e), 0);
    struct value v = value_of(buf_slice(&value));
    assert_int_equal(sqs_xml_answer(&out, slice_text("ReceiveMessage"), &v, slice_text("ID")), 0);
    buf_byte(&out, 0);
    assert_string_equal((const char *)out.data,
                        "<?xml version=\"1.0\"?><ReceiveMessageResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\">"
                        "<ReceiveMessageResult><Message><Body>&lt;a&gt; &amp; &quot;b&quot;&#xD;</Body>"
                        "<Attribute><Name>SenderId</Name><Value>x</Value></Attribute>"
                        "<MessageAttribute><Name>n</Name><Value><DataType>String</DataType><StringValue>v</StringValue></Value>"
                        "</MessageAttribute></Message></ReceiveMessageResult>"
                        "<ResponseMetadata><RequestId>ID</RequestId></ResponseMetadata></ReceiveMessageResponse>");
    buf_finish(&value);
    buf_finish(&out);
    json_parser_destroy(&parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_become_what_the_json_protocol_says),
        cmocka_unit_test(numbers_give_the_order),
        cmocka_unit_test(the_first_of_a_name_counts),
        cmocka_unit_test(what_is_missing_is_empty),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(texts_are_what_xml_can_say),
        cmocka_unit_test(answers_are_flat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
