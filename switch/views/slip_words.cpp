#include "switch/views/slip_words.hpp"

#include <array>

#include "iso8583/values/ensure.hpp"
#include "switch/core/refund_reasons.hpp"
#include "switch/views/state_words.hpp"

namespace acquirer {

using ledger::State;

namespace {

struct Head {
    std::string_view english;
    std::string_view chinese;
    std::string_view chinese_words;  // the English ones are those of operators
};

Head head_of(State state) {
    switch (state) {
        case State::intent:
        case State::sent:
            return {"IN PROGRESS", "处理中", "已提交发卡行，等待结果"};
        case State::approved:
            return {"APPROVED", "交易成功", "交易成功，款项已记账"};
        case State::declined:
            return {"DECLINED", "拒绝", "交易被拒绝，未发生资金变动"};
        case State::in_doubt:
            return {"IN PROGRESS", "处理中", "发卡行结果未知，系统将自动冲正"};
        case State::reverse_on_answer:
            return {"BEING REVERSED", "冲正中", "收到发卡行结果后将立即冲正"};
        case State::reversing:
            return {"BEING REVERSED", "冲正中", "正在冲正，直至发卡行确认"};
        case State::reversed:
            return {"REVERSED", "已冲正", "交易已冲正，资金已恢复"};
        case State::reversal_stuck:
            return {"REVERSAL NOT SETTLED", "冲正待处理", "发卡行未接受冲正，等待人工处理"};
        case State::voiding:
            return {"BEING VOIDED", "撤销中", "正在撤销，等待发卡行结果"};
        case State::voided:
            return {"VOIDED", "已撤销", "交易已全额撤销"};
        case State::void_reversing:
            return {"VOID BEING REVERSED", "撤销冲正中", "该交易的撤销正在冲正"};
        case State::tombstone:
            return {"REVERSED", "已冲正", "冲正先于原交易到达，原交易将被拒绝"};
        case State::refused:
            return {"REFUSED", "拒绝", "未发送至发卡行，未发生资金变动"};
        case State::held:
            return {"HELD", "待审核", "等待复核，款项尚未退回"};
        case State::cleared:
            return {"ACCEPTED", "已受理", "复核通过，即将发送至发卡行"};
        case State::rejected:
            return {"REJECTED", "审核未通过", "复核未通过，款项不予退回"};
        case State::expired:
            return {"EXPIRED", "已过期", "复核期限已过，款项未退回"};
        case State::cancelled:
            return {"CANCELLED", "已取消", "退款已取消，款项未退回"};
        case State::advice_pending:
            return {"ACCEPTED", "已受理", "退款已受理，等待发卡行入账"};
        case State::processing:
            return {"PROCESSING", "退款处理中", "钱包已受理，正在退款"};
        case State::abnormal:
            return {"REFUND DELAYED", "退款异常", "已受理但发卡行未能入账，等待人工处理"};
        case State::parked:
            return {"REFUND DELAYED", "退款异常", "发卡行结果未知，等待人工处理"};
        case State::alternative_account:
            return {"PAID ANOTHER WAY", "已另行退款", "款项已退至持卡人的其他账户"};
        case State::merchant_account:
            return {"PAID BY THE MERCHANT", "由商户退款", "款项已退至商户账户，由商户退给持卡人"};
        case State::authorized:
            return {"AUTHORIZED", "预授权成功", "金额已冻结，尚未扣款"};
        case State::auth_voiding:
            return {"PROCESSING", "处理中", "预授权撤销正在处理"};
        case State::auth_voided:
            return {"AUTHORIZATION VOIDED", "预授权已撤销", "冻结金额已解除"};
        case State::completing:
            return {"PROCESSING", "处理中", "预授权完成正在处理"};
        case State::completed:
            return {"COMPLETED", "预授权已完成", "已按完成金额扣款"};
        case State::lapsed:
            return {"LAPSED", "预授权已失效", "逾期未完成，冻结金额解除"};
        case State::not_collected:
            return {"NOT COLLECTED", "未能扣款", "发卡行拒绝入账，等待人工处理"};
    }
    ENSURE(false);
}

struct RefusalWords {
    Refusal refusal;
    std::string_view chinese;
};
// clang-format off: a table
constexpr std::array chinese_refusals = {
    RefusalWords{Refusal::none, ""},
    RefusalWords{Refusal::format_error, "报文格式错误"},
    RefusalWords{Refusal::terminal_unknown, "终端未登记"},
    RefusalWords{Refusal::merchant_unknown, "商户未登记"},
    RefusalWords{Refusal::sign_on_required, "请重新签到"},
    RefusalWords{Refusal::sign_on_limited, "签到过于频繁，请稍后再试"},
    RefusalWords{Refusal::mac_wrong, "MAC 校验失败"},
    RefusalWords{Refusal::duplicate_of_reversed, "原交易已冲正"},
    RefusalWords{Refusal::duplicate_conflict, "交易重复且内容不一致"},
    RefusalWords{Refusal::terminal_suspended, "终端已停用"},
    RefusalWords{Refusal::merchant_suspended, "商户已停用"},
    RefusalWords{Refusal::batch_closed, "批次已关闭，请重新签到"},
    RefusalWords{Refusal::tombstone, "该交易的冲正已先到达"},
    RefusalWords{Refusal::amount_invalid, "金额无效"},
    RefusalWords{Refusal::currency_not_allowed, "币种与原交易不符"},
    RefusalWords{Refusal::merchant_not_enabled, "商户未开通退款"},
    RefusalWords{Refusal::function_not_supported, "不支持该交易"},
    RefusalWords{Refusal::means_holds_nothing, "付款码不支持预授权"},
    RefusalWords{Refusal::original_not_found, "找不到原交易"},
    RefusalWords{Refusal::original_trace_differs, "找不到原交易"},
    RefusalWords{Refusal::original_authorization_differs, "找不到原交易"},
    RefusalWords{Refusal::other_terminal, "撤销须在原终端办理"},
    RefusalWords{Refusal::code_of_no_wallet, "付款码不属于已开通的钱包"},
    RefusalWords{Refusal::other_card, "与原交易卡号不符，款项须原路退回"},
    RefusalWords{Refusal::original_not_refundable, "原交易状态不允许退款"},
    RefusalWords{Refusal::original_busy, "原交易正在处理中"},
    RefusalWords{Refusal::void_after_settlement, "原交易已结算，请办理退款"},
    RefusalWords{Refusal::void_after_refund, "原交易已有退款，不可撤销"},
    RefusalWords{Refusal::refund_before_settlement, "原交易未结算，请办理撤销"},
    RefusalWords{Refusal::reversal_not_allowed, "原交易状态不允许冲正"},
    RefusalWords{Refusal::authorization_spent, "预授权已完成、撤销、冲正或失效"},
    RefusalWords{Refusal::window_passed, "已超过退款期限"},
    RefusalWords{Refusal::completion_late, "超过预授权完成期限"},
    RefusalWords{Refusal::amount_limit, "超过单笔退款限额"},
    RefusalWords{Refusal::count_limit, "超过当日退款笔数"},
    RefusalWords{Refusal::too_many_parts, "该笔交易的退款次数已达上限"},
    RefusalWords{Refusal::completion_over_bound, "超过预授权可完成金额"},
    RefusalWords{Refusal::void_amount_differs, "撤销金额须与原交易相同"},
    RefusalWords{Refusal::amount_against_original, "金额超过原交易可退余额"},
    RefusalWords{Refusal::reversal_amount_differs, "冲正金额与原交易不符"},
    RefusalWords{Refusal::partial_amount_wrong, "部分冲正金额无效"},
    RefusalWords{Refusal::partial_below_refunds, "部分冲正后的金额低于已退金额"},
    RefusalWords{Refusal::funds_short, "商户当日资金不足"},
    RefusalWords{Refusal::fraud_suspected, "风险控制拒绝"},
    RefusalWords{Refusal::approval_required, "须经复核"},
    RefusalWords{Refusal::no_route, "没有可用的发卡行路由"},
    RefusalWords{Refusal::route_down, "发卡行暂不可用，未发送"},
    RefusalWords{Refusal::case_full, "同一退款申请次数过多"},
    RefusalWords{Refusal::too_many_in_flight, "系统繁忙，请稍后再试"},
    RefusalWords{Refusal::system_error, "系统故障，请稍后再试"},
    RefusalWords{Refusal::hsm_unavailable, "系统故障，请稍后再试"},
    RefusalWords{Refusal::pin_block_wrong, "密码数据错误"},
    RefusalWords{Refusal::partial_not_taken, "发卡行仅批准部分金额，交易已冲正"},
    RefusalWords{Refusal::issuer_silent, "发卡行超时未应答，交易将冲正"},
    RefusalWords{Refusal::issuer_answer_invalid, "发卡行应答无效，交易将冲正"},
    RefusalWords{Refusal::totals_differ, "批次总额不符"},
    RefusalWords{Refusal::cut_over, "日切处理中，请稍后再试"},
};
// clang-format on

struct ReasonWords {
    std::string_view code;
    std::string_view chinese;
};
constexpr std::array chinese_reasons = {
    ReasonWords{"quality", "商品质量问题"},   ReasonWords{"service", "服务未提供或与约定不符"},
    ReasonWords{"mistake", "金额或顾客有误"}, ReasonWords{"promise", "承诺期限内退货"},
    ReasonWords{"duplicate", "重复扣款"},     ReasonWords{"other", "其他"}};

}  // namespace

std::string_view slip_language_word(SlipLanguage language) {
    return language == SlipLanguage::chinese ? "zh" : "en";
}

SlipLanguage slip_language(std::string_view word) {
    return word == "zh" ? SlipLanguage::chinese : SlipLanguage::english;
}

std::string_view slip_head(State state, SlipLanguage language) {
    const Head head = head_of(state);
    return language == SlipLanguage::chinese ? head.chinese : head.english;
}

std::string_view slip_words(State state, SlipLanguage language) {
    return language == SlipLanguage::chinese ? head_of(state).chinese_words : state_words(state);
}

std::string_view slip_refusal(Refusal refusal, SlipLanguage language) {
    if (language == SlipLanguage::chinese)
        for (const RefusalWords& row : chinese_refusals)
            if (row.refusal == refusal) return row.chinese;
    return info(refusal).explanation;
}

std::string_view slip_reason(std::string_view code, SlipLanguage language) {
    if (language == SlipLanguage::chinese)
        for (const ReasonWords& row : chinese_reasons)
            if (row.code == code) return row.chinese;
    const std::string_view words =
        language == SlipLanguage::english ? words_of_reason(code) : std::string_view();
    return words.empty() ? code : words;
}

}  // namespace acquirer
