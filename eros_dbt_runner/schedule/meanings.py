"""What each column of schedule_recommendations means, for `eros explain`."""

MEANINGS = {
    "schedule_id": "the page's schedule of that day: page_YYYYMMDD",
    "time_slot_rank": "position in the day, by time",
    "page_name": "the creator's page",
    "schedule_date": "the day, on the agency's wall clock",
    "scheduled_send_time": "when it goes out",
    "send_hour": "the hour on the agency's wall clock",
    "local_send_hour": "the hour on the agency's wall clock",
    "message_type": "PPV has a price, BUMP is free",
    "caption_id": "the caption",
    "caption_text": "its text",
    "caption_key": "fingerprint of the normalised text; one text rests 7 days on a page",
    "price_tier": "the tier whose quota of the day this caption fills",
    "content_category": "what the content is about",
    "has_urgency": "whether the text presses for time",
    "account_size": "MICRO to MEGA by audience; sets volume, minimum gap and daily maximum",
    "behavioral_segment": "what the page's fans pay for; sets the mix of tiers",
    "caption_policy": "the rule that made the draw: pooled beliefs, or wilson bounds of the pair",
    "selection_rank": "rank among all captions chosen for the day; 1 gets the best hour",
    "tier_rank": "rank within its tier; the first so many fill the tier's quota",
    "is_soft_restricted": "matches a soft pattern: ranked below every caption that matches none",
    "soft_restricted": "matches a soft pattern: ranked below every caption that matches none",
    "outcome_count": "how often it was sent on this page in the statistics window, with an outcome",
    "page_median_emv": "the page's median EMV in US dollars: what a usual message brings",
    "posterior_mean": "the belief: expected log EMV on this page, from this and all other pages",
    "posterior_sd": "how unsure the belief is; it shrinks with every message sent",
    "uniform_draw": "the reproducible random number of date, page and caption, between 0 and 1",
    "draw": "the belief after chance had its say, so that little-known captions get a try",
    "thompson": "the draw against the page's median, from 0 to 1; weighs 0.70",
    "diversity": "category, tier and urgency not used lately raise it; weighs 0.15",
    "value": "expected EMV against the page's median, from 0 to 1; weighs 0.15",
    "budget_penalty": "0 or less: the week's urgent or category budget is nearly used; weighs 0.10",
    "segment_multiplier": "1.25 or 1.15 where the tier suits the page's segment, else 1",
    "score": "(0.70 thompson + 0.15 diversity + 0.15 value + 0.10 budget penalty) x multiplier",
    "hour_smoothed_rpr": "what a fan brings at that hour on this page, smoothed, in US dollars",
    "is_active": "false once the recommendation was withdrawn",
    "created_at": "as_of of the run that published it",
}


def meaning(column: str) -> str:
    """What a column means; empty for one that speaks for itself."""
    return MEANINGS.get(column, "")
