//! The cases of `tests/cases/tax/own` of countries of the second circle.

use std::path::PathBuf;

cases! {
    es_a_loss_on_a_gift_does_not_count_gives_the_expected_figures:
        "es-a-loss-on-a-gift-does-not-count",
    es_first_in_over_all_platforms_gives_the_expected_figures: "es-first-in-over-all-platforms",
    es_loan_as_borrowed_gives_the_expected_figures: "es-loan-as-borrowed",
    es_loan_market_gives_the_expected_figures: "es-loan-market",
    es_losses_keep_four_years_gives_the_expected_figures: "es-losses-keep-four-years",
    es_lp_carry_gives_the_expected_figures: "es-lp-carry",
    es_lp_trade_gives_the_expected_figures: "es-lp-trade",
    es_rewards_by_what_they_are_gives_the_expected_figures: "es-rewards-by-what-they-are",
    es_savings_base_from_2015_gives_the_expected_figures: "es-savings-base-from-2015",
    es_swap_fee_disposal_gives_the_expected_figures: "es-swap-fee-disposal",
    es_swap_fee_split_gives_the_expected_figures: "es-swap-fee-split",
    es_wrap_carry_gives_the_expected_figures: "es-wrap-carry",
    es_wrap_trade_gives_the_expected_figures: "es-wrap-trade",
    es_year_end_in_madrid_gives_the_expected_figures: "es-year-end-in-madrid",
    fr_305_are_free_gives_the_expected_figures: "fr-305-are-free",
    fr_a_fee_in_units_lowers_the_price_gives_the_expected_figures:
        "fr-a-fee-in-units-lowers-the-price",
    fr_a_gift_received_adds_its_value_gives_the_expected_figures:
        "fr-a-gift-received-adds-its-value",
    fr_a_gift_uses_its_part_gives_the_expected_figures: "fr-a-gift-uses-its-part",
    fr_a_loss_goes_into_no_other_year_gives_the_expected_figures:
        "fr-a-loss-goes-into-no-other-year",
    fr_a_price_too_old_is_to_be_checked_gives_the_expected_figures:
        "fr-a-price-too-old-is-to-be-checked",
    fr_borrowed_units_have_no_cost_gives_the_expected_figures: "fr-borrowed-units-have-no-cost",
    fr_costs_lower_the_price_alone_gives_the_expected_figures: "fr-costs-lower-the-price-alone",
    fr_goods_at_their_value_gives_the_expected_figures: "fr-goods-at-their-value",
    fr_of_two_prices_as_near_the_lists_holds_gives_the_expected_figures:
        "fr-of-two-prices-as-near-the-lists-holds",
    fr_one_cost_of_all_assets_gives_the_expected_figures: "fr-one-cost-of-all-assets",
    fr_purchase_fee_cost_gives_the_expected_figures: "fr-purchase-fee-cost",
    fr_purchase_fee_left_out_gives_the_expected_figures: "fr-purchase-fee-left-out",
    fr_rewards_income_gives_the_expected_figures: "fr-rewards-income",
    fr_rewards_nothing_gives_the_expected_figures: "fr-rewards-nothing",
    fr_sold_beyond_the_records_gives_the_expected_figures: "fr-sold-beyond-the-records",
    fr_swaps_are_no_disposal_gives_the_expected_figures: "fr-swaps-are-no-disposal",
    fr_the_nearer_of_two_prices_holds_gives_the_expected_figures:
        "fr-the-nearer-of-two-prices-holds",
    fr_the_official_example_gives_the_expected_figures: "fr-the-official-example",
    fr_transfer_fee_disposal_gives_the_expected_figures: "fr-transfer-fee-disposal",
    fr_transfer_fee_lost_gives_the_expected_figures: "fr-transfer-fee-lost",
    fr_year_end_in_paris_gives_the_expected_figures: "fr-year-end-in-paris",
    fr_years_that_are_known_gives_the_expected_figures: "fr-years-that-are-known",
    in_a_loss_counts_against_nothing_gives_the_expected_figures: "in-a-loss-counts-against-nothing",
    in_first_day_1_april_2022_gives_the_expected_figures: "in-first-day-1-april-2022",
    in_gifts_at_value_or_at_the_givers_cost_gives_the_expected_figures:
        "in-gifts-at-value-or-at-the-givers-cost",
    in_loan_as_borrowed_gives_the_expected_figures: "in-loan-as-borrowed",
    in_loan_market_gives_the_expected_figures: "in-loan-market",
    in_lp_carry_gives_the_expected_figures: "in-lp-carry",
    in_lp_trade_gives_the_expected_figures: "in-lp-trade",
    in_purchase_fee_cost_gives_the_expected_figures: "in-purchase-fee-cost",
    in_purchase_fee_left_out_gives_the_expected_figures: "in-purchase-fee-left-out",
    in_tds_from_1_july_2022_gives_the_expected_figures: "in-tds-from-1-july-2022",
    in_tds_not_on_fees_in_units_gives_the_expected_figures: "in-tds-not-on-fees-in-units",
    in_wrap_carry_gives_the_expected_figures: "in-wrap-carry",
    in_wrap_trade_gives_the_expected_figures: "in-wrap-trade",
    in_year_end_in_kolkata_gives_the_expected_figures: "in-year-end-in-kolkata",
    it_a_coin_for_a_coin_is_not_taxed_gives_the_expected_figures:
        "it-a-coin-for-a-coin-is-not-taxed",
    it_a_gift_keeps_the_givers_cost_gives_the_expected_figures: "it-a-gift-keeps-the-givers-cost",
    it_electronic_money_and_nfts_are_taxed_gives_the_expected_figures:
        "it-electronic-money-and-nfts-are-taxed",
    it_last_in_first_out_gives_the_expected_figures: "it-last-in-first-out",
    it_loan_as_borrowed_gives_the_expected_figures: "it-loan-as-borrowed",
    it_loan_market_gives_the_expected_figures: "it-loan-market",
    it_losses_lower_no_receipts_gives_the_expected_figures: "it-losses-lower-no-receipts",
    it_losses_of_four_years_gives_the_expected_figures: "it-losses-of-four-years",
    it_lp_carry_gives_the_expected_figures: "it-lp-carry",
    it_lp_trade_gives_the_expected_figures: "it-lp-trade",
    it_swaps_from_2023_gives_the_expected_figures: "it-swaps-from-2023",
    it_threshold_all_gives_the_expected_figures: "it-threshold-all",
    it_threshold_exempt_amount_gives_the_expected_figures: "it-threshold-exempt-amount",
    it_year_end_in_rome_gives_the_expected_figures: "it-year-end-in-rome",
    jp_a_loss_goes_into_no_other_year_gives_the_expected_figures:
        "jp-a-loss-goes-into-no-other-year",
    jp_gifts_and_splits_gives_the_expected_figures: "jp-gifts-and-splits",
    jp_loan_as_borrowed_gives_the_expected_figures: "jp-loan-as-borrowed",
    jp_loan_market_gives_the_expected_figures: "jp-loan-market",
    jp_margin_is_miscellaneous_income_gives_the_expected_figures:
        "jp-margin-is-miscellaneous-income",
    jp_moving_average_gives_the_expected_figures: "jp-moving-average",
    jp_swap_fee_disposal_gives_the_expected_figures: "jp-swap-fee-disposal",
    jp_swap_fee_split_gives_the_expected_figures: "jp-swap-fee-split",
    jp_total_average_gives_the_expected_figures: "jp-total-average",
    jp_wrap_carry_gives_the_expected_figures: "jp-wrap-carry",
    jp_wrap_trade_gives_the_expected_figures: "jp-wrap-trade",
    jp_year_end_in_tokyo_gives_the_expected_figures: "jp-year-end-in-tokyo",
    jp_years_that_are_known_gives_the_expected_figures: "jp-years-that-are-known",
    nl_1_january_in_amsterdam_gives_the_expected_figures: "nl-1-january-in-amsterdam",
    nl_a_price_of_seven_days_gives_the_expected_figures: "nl-a-price-of-seven-days",
    nl_an_opening_behind_a_reward_gives_the_expected_figures: "nl-an-opening-behind-a-reward",
    nl_margin_in_no_form_gives_the_expected_figures: "nl-margin-in-no-form",
    nl_opening_balances_alone_gives_the_expected_figures: "nl-opening-balances-alone",
    nl_returns_by_year_gives_the_expected_figures: "nl-returns-by-year",
}

pub(super) const CASES: &[&str] = RUN;

fn root() -> PathBuf {
    super::root().join("own")
}
