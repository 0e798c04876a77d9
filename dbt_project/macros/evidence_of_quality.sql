{# How far the mean of one sample lies above that of another, with a 95 % interval by Welch's t: samples of unlike size and
   variance. Each sample is given by its size, sum and sum of squares. Source: B. L. Welch, "The generalization of
   Student's problem when several different population variances are involved", Biometrika 34 (1947); the quantile of t by
   its expansion in the normal one, Abramowitz & Stegun 26.7.5, good to 0.001 from 10 degrees of freedom on. #}

{% macro sample_variance(size, total, square_total) -%}
    case
            when {{ size }} > 1
                then greatest({{ square_total }} - {{ total }} * {{ total }} / {{ size }}, 0) / ({{ size }} - 1)
        end
{%- endmacro %}

{# `a` and `b` are the samples' variances by their sizes: the squares of their standard errors. #}
{% macro degrees_of_freedom(a, a_size, b, b_size) -%}
    (
            ({{ a }} + {{ b }}) * ({{ a }} + {{ b }})
            / nullif({{ a }} * {{ a }} / ({{ a_size }} - 1) + {{ b }} * {{ b }} / ({{ b_size }} - 1), 0)
        )
{%- endmacro %}

{# 97.5 % of a t distribution lie below; NULL degrees, of samples that do not vary at all, are as good as infinite. #}
{% macro t_quantile(degrees) -%}
    {%- set z = 1.959963984540 -%}
    ({{ z }} + coalesce(
            ({{ z }} ^ 3 + {{ z }}) / (4 * {{ degrees }})
            + (5 * {{ z }} ^ 5 + 16 * {{ z }} ^ 3 + 3 * {{ z }}) / (96 * {{ degrees }} ^ 2), 0
        ))
{%- endmacro %}
