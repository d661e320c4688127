{#- Pre-hook of the two models that replace a window: from now on, until the model is built, the next run has
    to begin where the earlier of the last run and this one would. A run that dies in between, at a past
    moment too, then costs time and no row. #}
{% macro note_window_begun() %}
    {%- if execute -%}
        {%- set fact = this.identifier ~ '_built_for' -%}
        {%- set noted = window_facts() -%}
        {%- set today = execution_date_value().isoformat() -%}
        {%- set facts = {} -%}
        {%- if noted.before.get(fact, '') != '' -%}
            {%- do facts.update({fact: [noted.before[fact], today] | min}) -%}
        {%- endif -%}
        {%- if this.identifier == 'mass_messages_checked' -%}
            {%- set first_date = (
                first_reevaluated_date(this, config.require('meta').window_lag_days, noted) if is_incremental()
                else "date '1970-01-01'"
            )[6:16] -%}
            {%- do facts.update({
                'messages_read_from': first_date,
                'messages_changed_from':
                    [noted.now.get('messages_changed_from', ''), first_date] | reject('equalto', '') | min,
            }) -%}
        {%- endif -%}
        {%- do remember(facts) -%}
    {%- endif -%}
{% endmacro %}


{#- Post-hook of mass_messages_checked: what was refused has not been read, so the next run begins no later. #}
{% macro note_messages_read() %}
    {%- if execute -%}
        {%- set refused = run_query(
            "select " ~ is_refused() ~ " from " ~ this ~ " where " ~ is_judged()
        ).columns[0].values()[0] -%}
        {%- if not refused -%}
            {%- do remember({
                this.identifier ~ '_built_for': execution_date_value().isoformat(),
                this.identifier ~ '_keyed_by': caption_key_version(),
            }) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- Post-hook of message_outcomes: what the messages had changed is learnt. While an input's rows were not
    taken, texts may be missing in the bank: the next run begins no later. #}
{% macro note_outcomes_built() %}
    {%- if execute -%}
        {%- if not is_input_refused() -%}
            {%- do remember({
                this.identifier ~ '_built_for': execution_date_value().isoformat(),
                this.identifier ~ '_keyed_by': caption_key_version(),
                'messages_changed_from': '',
            }) -%}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}


{#- Pre-hook of message_outcomes: what a change of the rule for keys does to what is known, in numbers, for the
    run's report. #}
{% macro note_texts_keyed_again() %}
    {%- if execute and is_incremental() and has_other_keys(this, window_facts()) -%}
        {%- set counts = run_query(
            "select count(case when not messages.has_old_key then 1 end),"
            ~ " count(case when messages.has_old_key and outcomes.row_id is not null then 1 end)"
            ~ " from " ~ ref('stg_mass_messages') ~ " as messages"
            ~ " left join " ~ this ~ " as outcomes on messages.row_id = outcomes.row_id"
            ~ " where messages.caption_key is not null"
        ).rows[0] -%}
        {#- Said anew if a run died before it was done. #}
        {%- do remember({'texts_keyed_again': ''}) -%}
        {%- do remember({'texts_keyed_again': (
            "The rule for the identity of texts has changed: " ~ "{:,}".format(counts[0])
            ~ " messages of the input are keyed again, " ~ "{:,}".format(counts[1])
            ~ " outcomes of messages that it no longer holds keep their caption (rule " ~ caption_key_version() ~ ")."
        )}) -%}
    {%- endif -%}
{% endmacro %}
