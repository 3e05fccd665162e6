//! The cases of `tests/cases/tax/own`: edge days, options, findings.

use std::collections::BTreeSet;
use std::path::PathBuf;

use packtrain_tax::jurisdiction::{self, OptionKind};
use packtrain_tax::outcome::WarningCode;
use packtrain_tax::request::Country;
use packtrain_tax::settle::Way;
use serde_json::Value;

use super::{assert_all_run, country, expected, text};

cases! {
    au_30_june_and_1_july_gives_the_expected_figures: "au-30-june-and-1-july",
    au_loan_as_borrowed_gives_the_expected_figures: "au-loan-as-borrowed",
    au_loan_market_gives_the_expected_figures: "au-loan-market",
    au_loss_before_gives_the_expected_figures: "au-loss-before",
    au_lp_carry_gives_the_expected_figures: "au-lp-carry",
    au_lp_trade_gives_the_expected_figures: "au-lp-trade",
    au_margin_capital_gives_the_expected_figures: "au-margin-capital",
    au_margin_income_gives_the_expected_figures: "au-margin-income",
    au_one_year_and_a_day_gives_the_expected_figures: "au-one-year-and-a-day",
    au_one_year_by_local_days_gives_the_expected_figures: "au-one-year-by-local-days",
    au_person_company_gives_the_expected_figures: "au-person-company",
    au_person_individual_gives_the_expected_figures: "au-person-individual",
    au_staking_receipt_gives_the_expected_figures: "au-staking-receipt",
    au_staking_withdrawal_gives_the_expected_figures: "au-staking-withdrawal",
    au_swap_fee_disposal_gives_the_expected_figures: "au-swap-fee-disposal",
    au_swap_fee_split_gives_the_expected_figures: "au-swap-fee-split",
    au_transfer_fee_cost_gives_the_expected_figures: "au-transfer-fee-cost",
    au_transfer_fee_disposal_gives_the_expected_figures: "au-transfer-fee-disposal",
    au_transfer_fee_lost_gives_the_expected_figures: "au-transfer-fee-lost",
    au_wrap_carry_gives_the_expected_figures: "au-wrap-carry",
    au_wrap_trade_gives_the_expected_figures: "au-wrap-trade",
    ca_loan_as_borrowed_gives_the_expected_figures: "ca-loan-as-borrowed",
    ca_loan_market_gives_the_expected_figures: "ca-loan-market",
    ca_loss_before_gives_the_expected_figures: "ca-loss-before",
    ca_margin_capital_gives_the_expected_figures: "ca-margin-capital",
    ca_margin_income_gives_the_expected_figures: "ca-margin-income",
    ca_staking_receipt_gives_the_expected_figures: "ca-staking-receipt",
    ca_staking_withdrawal_gives_the_expected_figures: "ca-staking-withdrawal",
    ca_superficial_30_days_after_gives_the_expected_figures: "ca-superficial-30-days-after",
    ca_superficial_30_days_before_gives_the_expected_figures: "ca-superficial-30-days-before",
    ca_superficial_31_days_after_gives_the_expected_figures: "ca-superficial-31-days-after",
    ca_superficial_31_days_before_gives_the_expected_figures: "ca-superficial-31-days-before",
    ca_superficial_day_30_by_local_days_gives_the_expected_figures:
        "ca-superficial-day-30-by-local-days",
    ca_superficial_day_31_by_local_days_gives_the_expected_figures:
        "ca-superficial-day-31-by-local-days",
    ca_superficial_in_part_gives_the_expected_figures: "ca-superficial-in-part",
    ca_superficial_joins_the_purchase_gives_the_expected_figures:
        "ca-superficial-joins-the-purchase",
    ca_swap_fee_disposal_gives_the_expected_figures: "ca-swap-fee-disposal",
    ca_swap_fee_split_gives_the_expected_figures: "ca-swap-fee-split",
    ca_transfer_fee_disposal_gives_the_expected_figures: "ca-transfer-fee-disposal",
    ca_transfer_fee_lost_gives_the_expected_figures: "ca-transfer-fee-lost",
    ca_wrap_carry_gives_the_expected_figures: "ca-wrap-carry",
    ca_wrap_trade_gives_the_expected_figures: "ca-wrap-trade",
    ca_year_end_in_toronto_gives_the_expected_figures: "ca-year-end-in-toronto",
    de_limit_of_1000_gives_the_expected_figures: "de-limit-of-1000",
    de_limit_of_256_gives_the_expected_figures: "de-limit-of-256",
    de_limit_of_600_gives_the_expected_figures: "de-limit-of-600",
    de_loan_as_borrowed_gives_the_expected_figures: "de-loan-as-borrowed",
    de_loan_market_gives_the_expected_figures: "de-loan-market",
    de_loss_back_no_gives_the_expected_figures: "de-loss-back-no",
    de_loss_back_yes_gives_the_expected_figures: "de-loss-back-yes",
    de_loss_before_gives_the_expected_figures: "de-loss-before",
    de_lp_carry_gives_the_expected_figures: "de-lp-carry",
    de_lp_trade_gives_the_expected_figures: "de-lp-trade",
    de_margin_in_anlage_kap_gives_the_expected_figures: "de-margin-in-anlage-kap",
    de_one_year_and_a_day_gives_the_expected_figures: "de-one-year-and-a-day",
    de_one_year_by_local_days_gives_the_expected_figures: "de-one-year-by-local-days",
    de_staking_receipt_gives_the_expected_figures: "de-staking-receipt",
    de_staking_withdrawal_gives_the_expected_figures: "de-staking-withdrawal",
    de_swap_fee_disposal_gives_the_expected_figures: "de-swap-fee-disposal",
    de_swap_fee_split_gives_the_expected_figures: "de-swap-fee-split",
    de_transfer_fee_cost_gives_the_expected_figures: "de-transfer-fee-cost",
    de_transfer_fee_disposal_gives_the_expected_figures: "de-transfer-fee-disposal",
    de_transfer_fee_lost_gives_the_expected_figures: "de-transfer-fee-lost",
    de_wrap_carry_gives_the_expected_figures: "de-wrap-carry",
    de_wrap_trade_gives_the_expected_figures: "de-wrap-trade",
    de_year_end_in_berlin_gives_the_expected_figures: "de-year-end-in-berlin",
    dex_swap_in_two_files_gives_the_expected_figures: "dex-swap-in-two-files",
    dex_wrap_in_two_files_gives_the_expected_figures: "dex-wrap-in-two-files",
    finding_appraisal_needed_gives_the_expected_figures: "finding-appraisal-needed",
    finding_currency_mismatch_gives_the_expected_figures: "finding-currency-mismatch",
    finding_duplicate_row_gives_the_expected_figures: "finding-duplicate-row",
    finding_duplicate_row_of_a_longer_export_gives_the_expected_figures:
        "finding-duplicate-row-of-a-longer-export",
    finding_loss_event_not_deducted_gives_the_expected_figures: "finding-loss-event-not-deducted",
    finding_margin_in_no_form_gives_the_expected_figures: "finding-margin-in-no-form",
    finding_margin_kind_unknown_gives_the_expected_figures: "finding-margin-kind-unknown",
    finding_missing_cost_basis_gives_the_expected_figures: "finding-missing-cost-basis",
    finding_missing_cost_basis_in_a_pool_gives_the_expected_figures:
        "finding-missing-cost-basis-in-a-pool",
    finding_missing_price_gives_the_expected_figures: "finding-missing-price",
    finding_named_lot_missing_gives_the_expected_figures: "finding-named-lot-missing",
    finding_negative_balance_gives_the_expected_figures: "finding-negative-balance",
    finding_perhaps_twice_gives_the_expected_figures: "finding-perhaps-twice",
    finding_repurchase_near_loss_gives_the_expected_figures: "finding-repurchase-near-loss",
    finding_unmatched_loan_gives_the_expected_figures: "finding-unmatched-loan",
    finding_unmatched_transfer_gives_the_expected_figures: "finding-unmatched-transfer",
    finding_unusable_row_gives_the_expected_figures: "finding-unusable-row",
    rule_first_that_fits_gives_the_expected_figures: "rule-first-that-fits",
    rule_keep_of_a_file_gives_the_expected_figures: "rule-keep-of-a-file",
    rule_keep_of_a_wallet_gives_the_expected_figures: "rule-keep-of-a-wallet",
    rule_of_one_row_gives_the_expected_figures: "rule-of-one-row",
    settle_accept_gives_the_expected_figures: "settle-accept",
    settle_accept_zero_gives_the_expected_figures: "settle-accept-zero",
    settle_accept_zero_of_a_deposit_gives_the_expected_figures: "settle-accept-zero-of-a-deposit",
    settle_keep_gives_the_expected_figures: "settle-keep",
    settle_keep_of_a_longer_export_gives_the_expected_figures: "settle-keep-of-a-longer-export",
    settle_not_transfer_gives_the_expected_figures: "settle-not-transfer",
    settle_price_gives_the_expected_figures: "settle-price",
    settle_purchase_gives_the_expected_figures: "settle-purchase",
    settle_purchase_in_a_pool_gives_the_expected_figures: "settle-purchase-in-a-pool",
    settle_purchase_of_a_deposit_gives_the_expected_figures: "settle-purchase-of-a-deposit",
    settle_purchase_of_a_gift_gives_the_expected_figures: "settle-purchase-of-a-gift",
    settle_rule_note_of_an_exchange_gives_the_expected_figures: "settle-rule-note-of-an-exchange",
    settle_transfer_gives_the_expected_figures: "settle-transfer",
    settle_lots_gives_the_expected_figures: "settle-lots",
    uk_gift_spouse_no_gain_no_loss_gives_the_expected_figures: "uk-gift-spouse-no-gain-no-loss",
    au_bridge_keeps_cost_and_date_gives_the_expected_figures: "au-bridge-keeps-cost-and-date",
    de_spend_is_a_sale_at_market_value_gives_the_expected_figures:
        "de-spend-is-a-sale-at-market-value",
    ca_spend_is_a_disposition_at_fair_value_gives_the_expected_figures:
        "ca-spend-is-a-disposition-at-fair-value",
    uk_5_and_6_april_gives_the_expected_figures: "uk-5-and-6-april",
    uk_company_earliest_first_gives_the_expected_figures: "uk-company-earliest-first",
    uk_company_margin_in_no_form_gives_the_expected_figures: "uk-company-margin-in-no-form",
    uk_company_opening_is_no_purchase_of_the_ten_days_gives_the_expected_figures:
        "uk-company-opening-is-no-purchase-of-the-ten-days",
    uk_day_30_and_31_of_the_clock_change_gives_the_expected_figures:
        "uk-day-30-and-31-of-the-clock-change",
    uk_loan_as_borrowed_gives_the_expected_figures: "uk-loan-as-borrowed",
    uk_loan_market_gives_the_expected_figures: "uk-loan-market",
    uk_loss_before_gives_the_expected_figures: "uk-loss-before",
    uk_margin_capital_gives_the_expected_figures: "uk-margin-capital",
    uk_margin_income_gives_the_expected_figures: "uk-margin-income",
    uk_opening_is_no_purchase_of_its_day_gives_the_expected_figures:
        "uk-opening-is-no-purchase-of-its-day",
    uk_person_company_gives_the_expected_figures: "uk-person-company",
    uk_person_individual_gives_the_expected_figures: "uk-person-individual",
    uk_rates_of_30_october_2024_gives_the_expected_figures: "uk-rates-of-30-october-2024",
    uk_report_above_four_times_the_exempt_amount_gives_the_expected_figures:
        "uk-report-above-four-times-the-exempt-amount",
    uk_report_four_times_the_exempt_amount_gives_the_expected_figures:
        "uk-report-four-times-the-exempt-amount",
    uk_report_gains_before_losses_gives_the_expected_figures: "uk-report-gains-before-losses",
    uk_report_nothing_at_the_limits_gives_the_expected_figures: "uk-report-nothing-at-the-limits",
    uk_report_proceeds_above_50000_gives_the_expected_figures: "uk-report-proceeds-above-50000",
    uk_same_day_by_local_days_gives_the_expected_figures: "uk-same-day-by-local-days",
    uk_staking_receipt_gives_the_expected_figures: "uk-staking-receipt",
    uk_staking_withdrawal_gives_the_expected_figures: "uk-staking-withdrawal",
    uk_swap_fee_disposal_gives_the_expected_figures: "uk-swap-fee-disposal",
    uk_swap_fee_split_gives_the_expected_figures: "uk-swap-fee-split",
    uk_transfer_fee_disposal_gives_the_expected_figures: "uk-transfer-fee-disposal",
    uk_transfer_fee_lost_gives_the_expected_figures: "uk-transfer-fee-lost",
    uk_wrap_carry_gives_the_expected_figures: "uk-wrap-carry",
    uk_wrap_trade_gives_the_expected_figures: "uk-wrap-trade",
    unknown_type_is_an_error_of_its_line: "unknown-type-is-an-error-of-its-line",
    us_allocation_highest_gives_the_expected_figures: "us-allocation-highest",
    us_allocation_in_place_gives_the_expected_figures: "us-allocation-in-place",
    us_allocation_oldest_gives_the_expected_figures: "us-allocation-oldest",
    us_allocation_unit_by_unit_gives_the_expected_figures: "us-allocation-unit-by-unit",
    us_exchange_rates_of_the_list_gives_the_expected_figures: "us-exchange-rates-of-the-list",
    us_filing_married_separate_gives_the_expected_figures: "us-filing-married-separate",
    us_filing_other_gives_the_expected_figures: "us-filing-other",
    us_form_1099_da_by_wallet_gives_the_expected_figures: "us-form-1099-da-by-wallet",
    us_form_1099_da_none_gives_the_expected_figures: "us-form-1099-da-none",
    us_form_1099_da_with_basis_gives_the_expected_figures: "us-form-1099-da-with-basis",
    us_form_1099_da_without_basis_gives_the_expected_figures: "us-form-1099-da-without-basis",
    us_loan_as_borrowed_gives_the_expected_figures: "us-loan-as-borrowed",
    us_loan_market_gives_the_expected_figures: "us-loan-market",
    us_losses_before_gives_the_expected_figures: "us-losses-before",
    us_lp_carry_gives_the_expected_figures: "us-lp-carry",
    us_lp_share_in_a_row_of_its_own_gives_the_expected_figures: "us-lp-share-in-a-row-of-its-own",
    us_lp_trade_gives_the_expected_figures: "us-lp-trade",
    us_margin_capital_gives_the_expected_figures: "us-margin-capital",
    us_margin_income_gives_the_expected_figures: "us-margin-income",
    us_margin_on_no_statement_gives_the_expected_figures: "us-margin-on-no-statement",
    us_one_year_and_a_day_gives_the_expected_figures: "us-one-year-and-a-day",
    us_one_year_by_local_days_gives_the_expected_figures: "us-one-year-by-local-days",
    us_refund_before_its_withdrawal_gives_the_expected_figures: "us-refund-before-its-withdrawal",
    us_scope_change_2025_gives_the_expected_figures: "us-scope-change-2025",
    us_staking_receipt_gives_the_expected_figures: "us-staking-receipt",
    us_staking_withdrawal_gives_the_expected_figures: "us-staking-withdrawal",
    us_transfer_fee_cost_gives_the_expected_figures: "us-transfer-fee-cost",
    us_transfer_fee_cost_of_lots_used_elsewhere_gives_the_expected_figures:
        "us-transfer-fee-cost-of-lots-used-elsewhere",
    us_transfer_fee_disposal_gives_the_expected_figures: "us-transfer-fee-disposal",
    us_transfer_fee_lost_gives_the_expected_figures: "us-transfer-fee-lost",
    us_wrap_carry_gives_the_expected_figures: "us-wrap-carry",
    us_wrap_trade_gives_the_expected_figures: "us-wrap-trade",
    us_year_end_in_los_angeles_gives_the_expected_figures: "us-year-end-in-los-angeles",
    us_year_end_in_new_york_gives_the_expected_figures: "us-year-end-in-new-york",
}

fn root() -> PathBuf {
    super::root().join("own")
}

fn all() -> Vec<Value> {
    RUN.iter()
        .chain(super::circle::CASES)
        .map(|name| expected(&root().join(name)))
        .collect()
}

#[test]
fn every_case_is_run() {
    assert_all_run(
        &root(),
        &[RUN, super::circle::CASES].concat(),
        &["README.md"],
    );
}

#[test]
fn every_value_of_every_option_has_a_case() {
    let mut seen = BTreeSet::new();
    for case in all() {
        for (name, value) in case["options"].as_object().into_iter().flatten() {
            seen.insert((country(&case), name.clone(), text(value)));
            seen.insert((country(&case), name.clone(), "any amount".to_owned()));
        }
    }
    for country in Country::ALL {
        for option in jurisdiction::of(*country).options {
            let values = match option.kind {
                OptionKind::Words(words) | OptionKind::ByWallet(words) => words,
                OptionKind::Money | OptionKind::Assets => &["any amount"],
            };
            for value in values {
                let case = (*country, option.name.to_owned(), (*value).to_owned());
                assert!(seen.contains(&case), "{case:?} has no case");
            }
        }
    }
}

#[test]
fn every_answer_has_a_case() {
    let mut seen = BTreeSet::new();
    for case in all() {
        let answers = case["settle"].as_array().into_iter().flatten();
        seen.extend(answers.map(|answer| text(&answer["answer"])));
    }
    for way in Way::ALL {
        let is_done = matches!(
            way,
            Way::AddFile | Way::AddPrices | Way::CorrectRow | Way::Rule
        );
        assert_ne!(seen.contains(way.as_str()), is_done, "{way}");
    }
}

#[test]
fn every_finding_has_a_case() {
    let mut seen = BTreeSet::new();
    for case in all() {
        let warnings = case["warnings"].as_array().into_iter().flatten();
        seen.extend(warnings.map(|warning| text(&warning["code"])));
    }
    for code in WarningCode::ALL {
        assert!(
            seen.contains(code.as_str()),
            "{} has no case",
            code.as_str()
        );
    }
}
