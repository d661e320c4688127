{{ config(severity='warn', tags=['daily']) }}

{#- An updated_at that is no time is read as none: the row counts all the same. -#}
select
    'creator_caption_restrictions, ' || row_label
    || ': updated_at is not a time and is read as none; write it as 2025-06-15T12:00:00Z' as problem
from {{ ref('stg_restriction_rows') }}
where has_unusable_update and is_active
