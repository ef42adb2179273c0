#include "switch/io/shard_thread.hpp"

#include <iterator>
#include <limits>

namespace acquirer {

ShardThread::ShardThread(std::size_t index, const ShardParts& parts, const ShardBounds& bounds,
                         ShardShell& shell, const WallClock& clock)
    : index_(index),
      bounds_(bounds),
      shell_(shell),
      clock_(clock),
      // What take() has taken must not be lost here.
      shard_(index, parts,
             {bounds.request_inbox_max, std::numeric_limits<std::size_t>::max(), bounds.cold_readers},
             *this) {}

ShardThread::~ShardThread() { stop(); }

iso8583::Result<void, ledger::StoreError> ShardThread::recover() {
    auto recovered = shard_.recover();
    say();
    if (recovered) drive();
    return recovered;
}

void ShardThread::start() {
    thread_ = std::thread([this] { run(); });
}

void ShardThread::stop() {
    if (thread_.joinable()) {
        {
            const std::lock_guard lock(mutex_);
            stopping_ = true;
        }
        wake_.notify_one();
        thread_.join();
    }
    shard_.stop();
}

// ---- the shell's side

void ShardThread::take(RequestArrived request) {
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(std::move(request));
    }
    wake_.notify_one();
}

bool ShardThread::take(Event event) {
    {
        const std::lock_guard lock(mutex_);
        if (answers_.size() + said_.answers >= bounds_.answer_inbox_max &&
            std::holds_alternative<IssuerReplyArrived>(event))
            return false;
        answers_.push_back(std::move(event));
    }
    wake_.notify_one();
    return true;
}

bool ShardThread::takes_requests() const {
    const std::lock_guard lock(mutex_);
    const bool has_room = requests_.size() + said_.requests < bounds_.request_inbox_max;
    if (!has_room) room_is_wanted_ = true;
    return has_room;
}

void ShardThread::deadlines_due() {
    {
        const std::lock_guard lock(mutex_);
        deadlines_due_ = true;
    }
    wake_.notify_one();
}

void ShardThread::drive() {
    std::vector<Effect> effects;
    bool was_full = false;
    {
        const std::lock_guard lock(mutex_);
        was_full = effects_.size() >= effects_waiting_max;
        effects.swap(effects_);
        has_effects_.store(false, std::memory_order_relaxed);
    }
    if (was_full) wake_.notify_one();
    for (const Effect& effect : effects) shell_.perform(*this, effect);
}

std::optional<iso8583::Instant> ShardThread::next_deadline() const {
    const std::lock_guard lock(mutex_);
    return deadlines_due_ ? std::nullopt : said_.next_deadline;
}

bool ShardThread::quiet() const {
    const std::lock_guard lock(mutex_);
    return requests_.empty() && answers_.empty() && effects_.empty() && !working_ && !deadlines_due_ &&
           said_.quiet;
}

std::optional<ledger::StoreError> ShardThread::failed() const {
    const std::lock_guard lock(mutex_);
    return said_.failed;
}

std::string ShardThread::why_no_new_work() const {
    const std::lock_guard lock(mutex_);
    return said_.why_no_new_work;
}

void ShardThread::ask(const std::function<void()>& question) {
    if (!thread_.joinable()) return question();
    bool answered = false;
    std::unique_lock lock(mutex_);
    questions_.emplace_back([&] {
        question();
        const std::lock_guard done(mutex_);
        answered = true;
        answered_.notify_one();
    });
    wake_.notify_one();
    answered_.wait(lock, [&] { return answered; });
}

ledger::StoreHealth ShardThread::look_at_store() {
    ledger::StoreHealth health;
    ask([&] { health = shard_.look_at_store(); });
    return health;
}

ShardView ShardThread::view() {
    ShardView view;
    ask([&] { view = shard_.view(); });
    const std::lock_guard lock(mutex_);
    view.counters.request_inbox += requests_.size();
    view.counters.answer_inbox += answers_.size();
    return view;
}

std::pair<iso8583::Stan, iso8583::TransmissionTime> ShardThread::next_issuer_numbers(
    routing::RouteId route, const iso8583::Now& now) {
    std::pair<iso8583::Stan, iso8583::TransmissionTime> numbers;
    ask([&] { numbers = shard_.next_issuer_numbers(route, now); });
    return numbers;
}

// ---- the shard's side

void ShardThread::perform(ShardPort&, const Effect& effect) { performed_.push_back(effect); }

void ShardThread::sync_ended() {
    {
        const std::lock_guard lock(mutex_);
        sync_ended_ = true;
    }
    wake_.notify_one();
}

bool ShardThread::has_work() const {
    if (stopping_ || !questions_.empty()) return true;
    if (effects_.size() >= effects_waiting_max) return false;
    return !requests_.empty() || !answers_.empty() || deadlines_due_ || sync_ended_ || can_go_on_;
}

void ShardThread::run() {
    std::deque<RequestArrived> requests;
    std::deque<Event> answers;
    std::vector<std::function<void()>> questions;
    for (;;) {
        bool due = false, may_step = false;
        {
            std::unique_lock lock(mutex_);
            wake_.wait(lock, [this] { return has_work(); });
            // Questions first: who asks waits, and must not wait for a thread that has gone.
            questions.swap(questions_);
            if (stopping_ && questions.empty()) return;
            may_step = !stopping_ && effects_.size() < effects_waiting_max;
            if (may_step) {
                requests.swap(requests_);
                answers.swap(answers_);
                due = std::exchange(deadlines_due_, false);
                if (due) said_.next_deadline.reset();  // the shell has no alarm for the next one yet
                sync_ended_ = false;
                working_ = true;
                // Until say(): they are the shard's now.
                said_.requests += requests.size();
                said_.answers += answers.size();
            }
        }
        for (const auto& question : questions) question();
        questions.clear();
        if (!may_step) continue;
        for (Event& event : answers) static_cast<void>(shard_.take(std::move(event)));
        for (RequestArrived& request : requests) shard_.take(std::move(request));
        answers.clear();
        requests.clear();
        if (due) shard_.deadlines_due();
        shard_.drive();
        say();
    }
}

/// What the drive led to, for the shell; which is woken when there is anything for it.
void ShardThread::say() {
    Said now;
    const ShardCounters counters = shard_.counters();
    now.requests = counters.request_inbox;
    now.answers = counters.answer_inbox;
    now.next_deadline = shard_.next_deadline();
    now.failed = shard_.failed();
    now.quiet = shard_.quiet();
    now.why_no_new_work = shard_.why_no_new_work();
    bool wakes = false;
    {
        const std::lock_guard lock(mutex_);
        const bool earlier =
            now.next_deadline && (!said_.next_deadline || *now.next_deadline < *said_.next_deadline);
        const bool can_read_again =
            room_is_wanted_ && requests_.size() + now.requests < bounds_.request_inbox_max;
        if (can_read_again) room_is_wanted_ = false;
        wakes = !performed_.empty() || now.failed || earlier || can_read_again || (now.quiet && !said_.quiet);
        effects_.insert(effects_.end(), std::make_move_iterator(performed_.begin()),
                        std::make_move_iterator(performed_.end()));
        has_effects_.store(!effects_.empty(), std::memory_order_relaxed);
        can_go_on_ = !now.failed && shard_.can_go_on();
        working_ = false;
        said_ = std::move(now);
    }
    performed_.clear();
    if (wakes) shell_.sync_ended();
}

}  // namespace acquirer
