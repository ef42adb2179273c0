#include "switch/admin/receipt_text.hpp"

#include <array>
#include <string_view>

#include "switch/admin/text_view.hpp"
#include "switch/core/payment_kinds.hpp"

namespace acquirer::admin {
namespace {

constexpr std::size_t slip_columns = 40;

struct Label {
    std::string_view member;
    std::string_view english;
    std::string_view chinese;
};
// In the order of the slip. clang-format off: a table
constexpr std::array labels = {
    Label{"merchant", "Merchant", "商户号"},
    Label{"terminal", "Terminal", "终端号"},
    Label{"card", "Card", "卡号"},
    Label{"wallet", "Wallet", "钱包"},
    Label{"order", "Order", "钱包订单号"},
    Label{"money", "Amount", "金额"},
    Label{"rrn", "Reference", "参考号"},
    Label{"batch", "Batch", "批次号"},
    Label{"trace", "Trace", "凭证号"},
    Label{"authorization", "Authorization", "授权码"},
    Label{"original", "Original sale", "原交易参考号"},
    Label{"reference", "Your reference", "订单号"},
    Label{"case", "Case", "审核编号"},
    Label{"reason_words", "Reason", "退款原因"},
    Label{"code", "Response", "应答码"},
    Label{"time", "Time", "时间"},
    Label{"processing_since", "Processing since", "处理开始"},
    Label{"case_approved", "Approved", "复核时间"},
    Label{"business_date", "Business day", "清算日期"},
};
struct KindWords {
    std::string_view kind;
    std::string_view english;
    std::string_view chinese;
};
constexpr std::array kinds = {
    KindWords{"sale", "SALE", "消费"},
    KindWords{"void", "VOID", "消费撤销"},
    KindWords{"refund", "REFUND", "退货"},
    KindWords{"authorization", "AUTHORIZATION", "预授权"},
    KindWords{"authorization_void", "AUTHORIZATION VOID", "预授权撤销"},
    KindWords{"completion", "COMPLETION", "预授权完成"},
};
// clang-format on

/// "2026-11-21T14:01:00.000+08:00" → "2026-11-21 14:01:00 +08:00"; anything else as it is.
std::string without_milliseconds(std::string time) {
    constexpr std::size_t day_characters = 10;
    constexpr std::size_t seconds_end = 19;
    constexpr std::size_t milliseconds_end = 23;
    if (time.size() <= milliseconds_end || time[day_characters] != 'T' || time[seconds_end] != '.')
        return time;
    time[day_characters] = ' ';
    return time.replace(seconds_end, milliseconds_end - seconds_end, " ");
}

/// Lines of at most the slip's columns: cut at spaces, and anywhere between wide characters.
std::string wrapped(const std::string& text) {
    std::string out;
    std::string line;
    std::string word;
    const auto end_word = [&] {
        if (width_of(line) + width_of(word) > slip_columns && !line.empty()) {
            while (!line.empty() && line.back() == ' ') line.pop_back();
            out += line + "\n";
            line.clear();
        }
        line += word;
        word.clear();
    };
    for (std::size_t i = 0; i < text.size();) {
        std::size_t bytes = 1;
        while (i + bytes < text.size() && (static_cast<unsigned char>(text[i + bytes]) & 0xC0) == 0x80)
            ++bytes;
        const std::string character = text.substr(i, bytes);
        i += bytes;
        if (width_of(character) > 1) end_word();
        word += character;
        if (character == " " || width_of(character) > 1 || width_of(word) >= slip_columns) end_word();
    }
    end_word();
    return out + line + "\n";
}

class Slip {
  public:
    explicit Slip(const View& receipt) : receipt_(receipt), chinese_(text("lang") == "zh") {}

    std::string print() {
        centred(text("merchant_name"));
        centred(kind());
        if (const std::string& head = text("head"); !head.empty()) centred("*** " + head + " ***");
        out_ += rule();
        for (const Label& label : labels) row(label);
        out_ += rule();
        if (const std::string& why = text("why"); !why.empty()) out_ += wrapped(why);
        out_ += wrapped(text("status_words"));
        return out_;
    }

  private:
    static std::string rule() { return std::string(slip_columns, '-') + "\n"; }
    [[nodiscard]] std::string text(std::string_view name) const {
        const View* value = receipt_.find(name);
        return value != nullptr && value->text() != nullptr ? *value->text() : std::string();
    }
    [[nodiscard]] std::string kind() const {
        const std::string word = text("kind");
        for (const KindWords& row : kinds)
            if (row.kind == word) return std::string(chinese_ ? row.chinese : row.english);
        return word;
    }
    [[nodiscard]] std::string value_of(std::string_view member) const {
        if (member == "money") return text("currency_letters") + " " + text("amount");
        if (member == "time" || member == "case_approved" || member == "processing_since")
            return without_milliseconds(text(member));
        return text(member);
    }
    void row(const Label& label) {
        const std::string value = value_of(label.member);
        if (value.empty()) return;
        const std::string name(chinese_ ? label.chinese : label.english);
        const std::size_t used = width_of(name) + width_of(value);
        if (used + 1 > slip_columns) {
            out_ += name + "\n" + wrapped(value);
            return;
        }
        out_ += name + std::string(slip_columns - used, ' ') + value + "\n";
    }
    void centred(const std::string& line) {
        const std::size_t width = width_of(line);
        out_ += std::string(width < slip_columns ? (slip_columns - width) / 2 : 0, ' ') + line + "\n";
    }

    const View& receipt_;
    bool chinese_;
    std::string out_;
};

constexpr bool every_means_has_a_label() {
    for (const PaymentKind& kind : payment_kinds) {
        bool found = false;
        for (const Label& label : labels) found = found || label.member == kind.noun;
        if (!found) return false;
    }
    return true;
}
static_assert(every_means_has_a_label(), "a label in both languages for every row of payment_kinds");

}  // namespace

std::string receipt_text(const View& receipt) { return Slip(receipt).print(); }

}  // namespace acquirer::admin
