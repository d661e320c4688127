{#- on-run-start: creates the state that hooks own, where it is missing. Existing tables and their
    rows are never touched. #}
{% macro create_operations_tables() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'seed', 'test', 'snapshot', 'run-operation'] -%}
        {%- do prepare_types() -%}
        {#- What dbt has listed when it began needs no statement. A run-operation lists nothing, and to ask the adapter
            then would begin a transaction that nobody ends. #}
        {%- for table in operations_tables()
            if flags.WHICH == 'run-operation'
            or adapter.get_relation(target.database, target.schema, table.name) is none -%}
            {%- do run_query(create_state_table(table)) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}


{% macro operations_tables() %}
    {{ return([
        {
            'name': 'active_caption_assignments',
            'columns': [
                'page_name STRING', 'caption_id INT64', 'caption_text STRING', 'assigned_date DATE',
                'scheduled_send_date DATE', 'scheduled_send_hour INT64', 'price_tier STRING',
                'is_active BOOL', 'assigned_at TIMESTAMP', 'assignment_key STRING',
                'schedule_id STRING', 'deactivated_at TIMESTAMP', 'deactivation_reason STRING'
            ],
            'partition_by': 'scheduled_send_date',
            'cluster_by': ['page_name', 'assignment_key'],
            'expiration_days': none
        },
        {
            'name': 'lock_sweep_log',
            'columns': [
                'sweep_id STRING', 'sweep_time TIMESTAMP', 'locks_expired_stale INT64',
                'locks_expired_past_date INT64', 'total_locks_cleaned INT64',
                'sweep_duration_seconds FLOAT64'
            ],
            'partition_by': 'date(sweep_time)',
            'cluster_by': ['sweep_id'],
            'expiration_days': none
        },
        {
            'name': 'etl_job_runs',
            'columns': [
                'job_id STRING', 'job_name STRING', 'job_start_time TIMESTAMP',
                'job_end_time TIMESTAMP', 'job_status STRING', 'execution_date DATE',
                'creators_processed INT64', 'creators_failed INT64', 'error_message STRING',
                'job_duration_seconds FLOAT64'
            ],
            'partition_by': 'date(job_start_time)',
            'cluster_by': ['job_name', 'job_status'],
            'expiration_days': none
        },
        {
            'name': 'automation_alerts',
            'columns': [
                'alert_id STRING', 'alert_time TIMESTAMP', 'alert_level STRING',
                'alert_source STRING', 'alert_message STRING', 'job_id STRING', 'acknowledged BOOL',
                'acknowledged_at TIMESTAMP', 'acknowledged_by STRING'
            ],
            'partition_by': 'date(alert_time)',
            'cluster_by': ['alert_level', 'alert_source'],
            'expiration_days': none
        },
        {
            'name': 'alert_deliveries',
            'columns': [
                'alert_id STRING', 'channel STRING', 'attempted_at TIMESTAMP', 'is_delivered BOOL',
                'error_message STRING'
            ],
            'partition_by': 'date(attempted_at)',
            'cluster_by': ['alert_id', 'channel'],
            'expiration_days': 90
        },
        {
            'name': 'creator_processing_errors',
            'columns': [
                'job_id STRING', 'page_name STRING', 'execution_date DATE', 'error_message STRING',
                'error_time TIMESTAMP'
            ],
            'partition_by': 'execution_date',
            'cluster_by': ['page_name'],
            'expiration_days': none
        },
        {
            'name': 'run_findings',
            'columns': [
                'job_id STRING', 'node_name STRING', 'node_type STRING', 'node_status STRING',
                'message STRING', 'row_count INT64', 'found_at TIMESTAMP'
            ],
            'partition_by': 'date(found_at)',
            'cluster_by': ['job_id'],
            'expiration_days': 90
        },
        {
            'name': 'schedule_export_log',
            'columns': [
                'schedule_id STRING', 'page_name STRING', 'export_timestamp TIMESTAMP',
                'message_count INT64', 'execution_time_seconds FLOAT64', 'status STRING',
                'error_message STRING', 'export_format STRING', 'exported_by STRING'
            ],
            'partition_by': 'date(export_timestamp)',
            'cluster_by': ['page_name', 'status'],
            'expiration_days': 90
        },
        {
            'name': 'learning_log',
            'columns': [
                'job_id STRING', 'noted_at TIMESTAMP', 'measured_for TIMESTAMP', 'eligible_messages INT64',
                'matched_messages INT64', 'outcomes INT64'
            ],
            'partition_by': 'date(noted_at)',
            'cluster_by': ['job_id'],
            'expiration_days': none
        },
        {
            'name': 'unreadable_lines',
            'columns': [
                'source_name STRING', 'file_name STRING', 'line_number INT64', 'line_text STRING', 'reason STRING'
            ],
            'partition_by': none,
            'cluster_by': ['source_name'],
            'expiration_days': none
        },
        {
            'name': 'project_state',
            'columns': ['fact STRING', 'value STRING', 'noted_at TIMESTAMP', 'job_id STRING'],
            'partition_by': none,
            'cluster_by': ['fact'],
            'expiration_days': none
        },
        {
            'name': 'audit_log',
            'columns': [
                'audit_id STRING', 'at TIMESTAMP', 'who STRING', 'command STRING', 'what STRING', 'rows INT64'
            ],
            'partition_by': none,
            'cluster_by': [],
            'expiration_days': none
        },
    ]) }}
{% endmacro %}
