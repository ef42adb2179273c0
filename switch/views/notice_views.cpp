#include "switch/views/notice_views.hpp"

#include <algorithm>
#include <charconv>

#include "iso8583/values/bytes.hpp"
#include "iso8583/values/currency_letters.hpp"
#include "ledger/notice_books.hpp"
#include "ledger/number_plan.hpp"
#include "switch/views/list_page.hpp"

namespace acquirer {

using iso8583::parse_error;
using ledger::Family;
using ledger::Notice;

namespace {

constexpr std::size_t number_digits_max = 16;

/// The number that a text is; 0 when it is none.
std::uint64_t number_of(std::string_view text) {
    std::uint64_t number = 0;
    if (text.empty() || text.size() > number_digits_max || !iso8583::all_digits(text)) return 0;
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
}

/// Of each shard, whose notices have numbers of their own (number_plan.hpp).
using Progress = std::vector<ledger::NoticeProgress>;

iso8583::Result<Progress> progress_of(const ViewContext& context) {
    Progress all;
    for (const ledger::StoreReader* reader : context.readers()) {
        const auto stored = reader->get(Family::index, ledger::notice_progress_key());
        if (!stored) return store_fault(stored.error());
        auto progress = *stored ? ledger::decode_notice_progress(**stored) : ledger::NoticeProgress{};
        if (!progress) return parse_error("the ledger's " + progress.error().what);
        all.push_back(*progress);
    }
    return all;
}

std::uint64_t waiting(const Progress& all) {
    std::uint64_t sum = 0;
    for (std::size_t shard = 0; shard < all.size(); ++shard)
        sum += ledger::plan_of_shard(shard, all.size()).count_between(all[shard].delivered, all[shard].last);
    return sum;
}

/// How far a reader is in the row of each shard: the number that it read last.
using Places = std::vector<std::uint64_t>;

/// "NUMBER", or of several shards one for each of them, as an answer says it ("NUMBER,NUMBER").
std::optional<Places> places_of(std::string_view text, std::size_t shards) {
    Places places;
    for (;;) {
        const std::size_t end = text.find(',');
        const std::string_view one = text.substr(0, end);
        const std::uint64_t number = number_of(one);
        if (number == 0 && one != "0") return std::nullopt;
        places.push_back(number);
        if (end == std::string_view::npos) break;
        text.remove_prefix(end + 1);
    }
    if (places.size() == 1) places.resize(shards, places.front());
    return places.size() == shards ? std::optional(places) : std::nullopt;
}

std::string text_of(const Places& places) {
    std::string text;
    for (const std::uint64_t place : places) text += (text.empty() ? "" : ",") + std::to_string(place);
    return text;
}

View row_of(const ViewContext& context, const Notice& n, bool delivered) {
    const iso8583::Currency currency = iso8583::Currency::of(n.currency);
    View one = View::object();
    one.put("notice", n.number).put("kind", ledger::name(n.kind)).put("time", local_time(context, n.at));
    one.put("refund", n.rrn.view()).put("original", n.original.view());
    one.put("merchant", n.merchant.view()).put("terminal", n.terminal.view());
    one.put("amount", iso8583::Amount(n.amount_minor, currency).major());
    one.put("currency", iso8583::currency_letters(currency)).put("card", n.card);
    one.put("reference", n.reference).put("state", n.state).put("delivered", delivered);
    return one;
}

}  // namespace

ViewResult view_notices(const ViewContext& context, const ListQuery& query, std::string_view behind) {
    const auto scope = scope_of(context, query);
    if (!scope) return tl::unexpected(scope.error());
    const auto progress = progress_of(context);
    if (!progress) return tl::unexpected(progress.error());
    const std::size_t shards = progress->size();
    const bool oldest_first = !behind.empty();
    const auto given = places_of(oldest_first ? behind : "0", shards);
    if (!given)
        return parse_error(shards == 1 ? "behind: needs the number of a notice"
                                       : "behind: needs the number of a notice, or one of each shard");
    ListPage page("notices", query);
    const auto position = page.position();
    if (!position) return tl::unexpected(position.error());
    const std::uint64_t at = number_of(*position);
    if (!position->empty() && at == 0) return ListPage::no_cursor();
    std::optional<iso8583::ParseError> fault;
    std::size_t read = 0;
    const auto visitor = [&](std::string_view, std::string_view value) {
        const auto n = ledger::decode_notice(value);
        if (!n) {
            fault = iso8583::ParseError{"the ledger's " + n.error().what};
            return false;
        }
        const std::string number = std::to_string(n->number);
        const bool delivered = n->number <= (*progress)[n->number % shards].delivered;
        const bool wanted = (!scope->merchant || n->merchant == *scope->merchant) &&
                            (!scope->terminal || n->terminal == *scope->terminal) &&
                            (query.kind.empty() || ledger::name(n->kind) == query.kind) &&
                            (query.state.empty() || delivered == (query.state == "delivered")) &&
                            scope->fits_time(n->at);
        if (wanted && !page.add(row_of(context, *n, delivered), number)) return false;
        if (++read < page_records_read_max) return true;
        page.cut_at(number);
        return false;
    };
    ledger::KeyRange range = ledger::all_keys(ledger::KeyPrefix::notice);
    Places places;  // up to where this answer is
    for (const ledger::NoticeProgress& p : *progress) places.push_back(p.last);
    if (!oldest_first) {
        if (at != 0) range.to = ledger::notice_key(at);
        if (const auto done = context.store.scan_back(Family::journal, range.from, range.to, visitor); !done)
            return store_fault(done.error());
    } else {
        // One shard's row after the other's; a cursor is in the row of its number.
        const auto readers = context.readers();
        for (std::size_t shard = at % shards; shard < shards && !fault; ++shard) {
            const std::uint64_t from = at != 0 && shard == at % shards ? at : (*given)[shard];
            if (page.is_cut()) {
                places[shard] = from;
                continue;
            }
            const auto done =
                readers[shard]->scan(Family::journal, ledger::notice_key(from + 1), range.to, visitor);
            if (!done) return store_fault(done.error());
            if (!page.is_cut()) continue;
            const std::uint64_t last = number_of(page.last_position());
            places[shard] = last % shards == shard ? last : from;
        }
    }
    if (fault) return tl::unexpected(*fault);
    View facts = View::object();
    facts.put("on", context.configuration.notices).put("waiting", waiting(*progress));
    if (shards > 1) facts.put("behind", text_of(places));
    return std::move(page).answer(facts);
}

}  // namespace acquirer
