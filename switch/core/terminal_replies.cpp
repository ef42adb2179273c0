#include "switch/core/terminal_replies.hpp"

#include "iso8583/tagged_text.hpp"
#include "iso8583/values/ensure.hpp"

namespace acquirer {
namespace {

using iso8583::Field;
using iso8583::FieldValues;

constexpr Field unionpay_echo[] = {Field::processing_code,      Field::amount_transaction, Field::stan,
                                   Field::pos_condition_code,   Field::terminal,           Field::merchant,
                                   Field::currency_transaction, Field::reserved_private_60};
constexpr Field iso_echo[] = {Field::processing_code,
                              Field::amount_transaction,
                              Field::transmission_time,
                              Field::stan,
                              Field::pos_condition_code,
                              Field::terminal,
                              Field::merchant,
                              Field::currency_transaction,
                              Field::network_management_code};
constexpr std::size_t text_characters_max = 25;  // DE44

}  // namespace

FieldValues make_reply(const CoreContext& context, const TerminalRequest& request,
                       const ReplyContent& content) {
    const auto response = request.fields.mti().response();
    ENSURE(response.has_value());  // parse_terminal_request() takes requests alone
    FieldValues reply(*response);
    const auto echo = [&](Field f) {
        if (request.fields.has(f)) reply.set(f, request.fields.get(f));
    };
    if (request.profile == Profile::unionpay_pos)
        for (Field f : unionpay_echo) echo(f);
    else
        for (Field f : iso_echo) echo(f);
    // A reversal is answered for its original, whose amount form may be bad: an amount that is no number is
    // not echoed.
    if (!request.amount && reply.has(Field::amount_transaction) &&
        !iso8583::all_digits(reply.get(Field::amount_transaction)))
        reply.erase(Field::amount_transaction);

    if (content.amount) reply.set(Field::amount_transaction, content.amount->field());
    const iso8583::CivilTime local = context.local_now();
    reply.set(Field::local_time, content.local_time.empty() ? local.hhmmss() : content.local_time);
    reply.set(Field::local_date, content.local_date.empty() ? local.date.mmdd() : content.local_date);
    reply.set(Field::settlement_date, content.business_date.value_or(context.business_day).date.mmdd());
    if (content.rrn) reply.set(Field::rrn, content.rrn->view());
    if (!content.authorization.empty()) reply.set(Field::authorization_code, content.authorization.view());
    reply.set(Field::response_code, content.code.view());
    if (!content.text.empty())
        reply.set(Field::additional_response_data,
                  std::string_view(content.text).substr(0, text_characters_max));
    if (!content.icc_data.empty()) reply.set(Field::icc_data, content.icc_data);
    if (!content.order_number.empty()) {
        const WalletWire& wire = context.config->wallet_wire;
        reply.set(wire.field(request.profile), iso8583::tagged_text(wire.order_tag, content.order_number));
    }
    return reply;
}

ReplyContent stored_content(const ledger::TransactionRecord& record) {
    ReplyContent content;
    content.rrn = record.rrn;
    if (!record.answer) return content;
    content.code = record.answer->code;
    content.authorization = record.answer->authorization;
    if (record.is_partly_approved()) content.amount = record.first_amount();
    content.text = record.answer->text;
    if (content.code.view() == "00" || record.is_partly_approved())
        content.order_number = record.wallet.order_number;
    content.icc_data = record.answer->icc_data;
    content.local_time = record.answer->local_time;
    content.local_date = record.answer->local_date;
    content.business_date = record.answer->business_date;
    return content;
}

void store_answer(const CoreContext& context, ledger::TransactionRecord& record, iso8583::ResponseCode code,
                  std::string text) {
    // What was held was answered 01 with its case number, and a retry gets that whatever became of it.
    if (!record.checker.empty()) return;
    ledger::StoredAnswer a;
    a.code = code;
    a.text = std::move(text);
    a.local_time = context.local_now().hhmmss();
    a.local_date = record.local_date.mmdd();
    a.business_date = record.business_date;
    record.answer = std::move(a);
}

void store_refusal(const CoreContext& context, ledger::TransactionRecord& record, Refusal why) {
    store_answer(context, record, response_code(why, static_cast<Profile>(record.profile)),
                 std::string(info(why).text));
    record.refusal = static_cast<std::uint8_t>(why);
}

namespace {

SendReply counted_reply(CoreContext& context, const Asker& asker, const ReplyContent& content) {
    context.count_answer(asker.request.kind, content.code);
    return {asker.to, make_reply(context, asker.request, content), false};
}

}  // namespace

void answer(CoreContext& context, const Asker& asker, const ReplyContent& content) {
    context.emit(counted_reply(context, asker, content));
}

SendReply refusal_reply(CoreContext& context, const Asker& asker, Refusal refusal,
                        std::optional<iso8583::Rrn> rrn, std::string_view text) {
    const RefusalInfo& why = info(refusal);
    ReplyContent content;
    content.code = response_code(refusal, asker.request.profile);
    content.rrn = rrn;
    content.text = text.empty() ? why.text : text;
    SendReply reply = counted_reply(context, asker, content);
    reply.sign_on_again = refusal == Refusal::sign_on_required || refusal == Refusal::batch_closed;
    Note n;
    n.severity = Severity::info;
    n.kind = NoteKind::request_refused;
    n.terminal = asker.request.terminal.str();
    n.merchant = asker.request.merchant.str();
    if (rrn) n.rrn = rrn->str();
    n.rule = why.rule;
    n.code = content.code.str();
    n.link = asker.to.link.value;
    n.source = asker.to.peer.view();
    n.detail = std::string(name(asker.request.kind)) + ": " + std::string(why.explanation);
    if (refusal == Refusal::format_error) n.detail += ": " + asker.request.format_fault;
    context.note(std::move(n));
    return reply;
}

void answer_refusal(CoreContext& context, const Asker& asker, Refusal refusal,
                    std::optional<iso8583::Rrn> rrn, std::string_view text) {
    context.emit(refusal_reply(context, asker, refusal, rrn, text));
}

}  // namespace acquirer
