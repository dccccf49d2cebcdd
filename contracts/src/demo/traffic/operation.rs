//! One call of a token: its calldata, and what it does to the ledger if it succeeds.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use lastro_schema::Gas;

use super::ledger::{BalanceKey, Effect, Key};
use crate::bindings::{DemoBond, DemoCurrency, DemoDeed};
use crate::demo::DemoTokens;

/// Enough for any call of one token by one id, with every storage slot new; unused gas costs nobody anything.
const CALL_GAS: Gas = Gas(160_000);
/// For the calls that take several ids.
const BATCH_GAS: Gas = Gas(400_000);

#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Index of the sending account, 0 is the issuer.
    pub(super) sender: usize,
    pub(super) token: Address,
    pub(super) input: Bytes,
    pub(super) gas_limit: Gas,
    pub(super) effects: Vec<Effect>,
}

/// Who sends, who loses, who gains.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties {
    pub(super) sender: usize,
    pub(super) caller: Address,
    pub(super) from: Address,
    pub(super) to: Address,
}

/// Some units of one token id.
pub(super) type Units = (U256, U256);

/// Writes calls of the three tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calls {
    pub(super) tokens: DemoTokens,
}

impl Calls {
    pub(super) fn currency_mint(&self, p: Parties, amount: U256) -> Operation {
        self.currency(
            p,
            DemoCurrency::mintCall { to: p.to, amount },
            vec![self.credit(p, amount)],
        )
    }

    pub(super) fn currency_burn(&self, p: Parties, amount: U256) -> Operation {
        self.currency(
            p,
            DemoCurrency::burnCall { amount },
            vec![self.debit(p, amount)],
        )
    }

    pub(super) fn currency_burn_from(&self, p: Parties, amount: U256) -> Operation {
        let call = DemoCurrency::burnFromCall {
            account: p.from,
            amount,
        };
        self.currency(
            p,
            call,
            vec![self.spend_allowance(p, amount), self.debit(p, amount)],
        )
    }

    pub(super) fn currency_transfer(&self, p: Parties, value: U256) -> Operation {
        let call = DemoCurrency::transferCall { to: p.to, value };
        self.currency(p, call, vec![self.debit(p, value), self.credit(p, value)])
    }

    pub(super) fn currency_transfer_from(&self, p: Parties, value: U256) -> Operation {
        let call = DemoCurrency::transferFromCall {
            from: p.from,
            to: p.to,
            value,
        };
        self.currency(
            p,
            call,
            vec![
                self.spend_allowance(p, value),
                self.debit(p, value),
                self.credit(p, value),
            ],
        )
    }

    /// The caller lets `to` take up to `value`.
    pub(super) fn currency_approve(&self, p: Parties, value: U256) -> Operation {
        let effect = Effect::Set(self.allowance(p.caller, p.to), value);
        self.currency(
            p,
            DemoCurrency::approveCall {
                spender: p.to,
                value,
            },
            vec![effect],
        )
    }

    pub(super) fn bond_mint(&self, p: Parties, (id, amount): Units) -> Operation {
        let call = DemoBond::mintCall {
            to: p.to,
            id,
            amount,
            data: Bytes::new(),
        };
        self.bond(
            p,
            call,
            vec![Effect::Credit(self.bond_balance(p.to, id), amount)],
            CALL_GAS,
        )
    }

    pub(super) fn bond_mint_batch(&self, p: Parties, units: &[Units]) -> Operation {
        let (ids, amounts) = units.iter().copied().unzip();
        let call = DemoBond::mintBatchCall {
            to: p.to,
            ids,
            amounts,
            data: Bytes::new(),
        };
        let effects = units
            .iter()
            .map(|&(id, amount)| Effect::Credit(self.bond_balance(p.to, id), amount));
        self.bond(p, call, effects.collect(), BATCH_GAS)
    }

    pub(super) fn bond_burn(&self, p: Parties, (id, amount): Units) -> Operation {
        let call = DemoBond::burnCall {
            from: p.from,
            id,
            amount,
        };
        self.bond(
            p,
            call,
            vec![Effect::Debit(self.bond_balance(p.from, id), amount)],
            CALL_GAS,
        )
    }

    pub(super) fn bond_burn_batch(&self, p: Parties, units: &[Units]) -> Operation {
        let (ids, amounts) = units.iter().copied().unzip();
        let call = DemoBond::burnBatchCall {
            from: p.from,
            ids,
            amounts,
        };
        let effects = units
            .iter()
            .map(|&(id, amount)| Effect::Debit(self.bond_balance(p.from, id), amount));
        self.bond(p, call, effects.collect(), BATCH_GAS)
    }

    pub(super) fn bond_transfer(&self, p: Parties, (id, value): Units) -> Operation {
        let call = DemoBond::safeTransferFromCall {
            from: p.from,
            to: p.to,
            id,
            value,
            data: Bytes::new(),
        };
        self.bond(p, call, self.bond_move(p, (id, value)).to_vec(), CALL_GAS)
    }

    pub(super) fn bond_transfer_batch(&self, p: Parties, units: &[Units]) -> Operation {
        let (ids, values) = units.iter().copied().unzip();
        let call = DemoBond::safeBatchTransferFromCall {
            from: p.from,
            to: p.to,
            ids,
            values,
            data: Bytes::new(),
        };
        let effects = units
            .iter()
            .flat_map(|&units| self.bond_move(p, units))
            .collect();
        self.bond(p, call, effects, BATCH_GAS)
    }

    /// The caller lets `to` move all its bonds.
    pub(super) fn bond_authorise(&self, p: Parties) -> Operation {
        let call = DemoBond::setApprovalForAllCall {
            operator: p.to,
            approved: true,
        };
        let key = operator(self.tokens.bond, p.caller, p.to);
        self.bond(p, call, vec![Effect::Set(key, U256::ONE)], CALL_GAS)
    }

    pub(super) fn deed_mint(&self, p: Parties, id: U256) -> Operation {
        let effects = vec![Effect::Credit(self.deed_balance(p.to, id), U256::ONE)];
        self.deed(
            p,
            DemoDeed::safeMintCall {
                to: p.to,
                tokenId: id,
            },
            effects,
        )
    }

    pub(super) fn deed_burn(&self, p: Parties, id: U256) -> Operation {
        let effects = vec![Effect::Debit(self.deed_balance(p.from, id), U256::ONE)];
        self.deed(p, DemoDeed::burnCall { tokenId: id }, effects)
    }

    pub(super) fn deed_transfer(&self, p: Parties, id: U256) -> Operation {
        self.deed(
            p,
            DemoDeed::transferFromCall {
                from: p.from,
                to: p.to,
                tokenId: id,
            },
            self.deed_move(p, id),
        )
    }

    pub(super) fn deed_safe_transfer(&self, p: Parties, id: U256) -> Operation {
        let call = DemoDeed::safeTransferFrom_0Call {
            from: p.from,
            to: p.to,
            tokenId: id,
        };
        self.deed(p, call, self.deed_move(p, id))
    }

    /// The caller lets `to` move all its deeds.
    pub(super) fn deed_authorise(&self, p: Parties) -> Operation {
        let call = DemoDeed::setApprovalForAllCall {
            operator: p.to,
            approved: true,
        };
        let key = operator(self.tokens.deed, p.caller, p.to);
        self.deed(p, call, vec![Effect::Set(key, U256::ONE)])
    }

    pub(super) fn currency_balance(&self, account: Address) -> Key {
        Key::Balance(BalanceKey {
            token: self.tokens.currency,
            id: U256::ZERO,
            account,
        })
    }

    pub(super) fn bond_balance(&self, account: Address, id: U256) -> Key {
        Key::Balance(BalanceKey {
            token: self.tokens.bond,
            id,
            account,
        })
    }

    pub(super) fn deed_balance(&self, account: Address, id: U256) -> Key {
        Key::Balance(BalanceKey {
            token: self.tokens.deed,
            id,
            account,
        })
    }

    pub(super) fn allowance(&self, owner: Address, spender: Address) -> Key {
        Key::Allowance {
            token: self.tokens.currency,
            owner,
            spender,
        }
    }

    fn debit(&self, p: Parties, amount: U256) -> Effect {
        Effect::Debit(self.currency_balance(p.from), amount)
    }

    fn credit(&self, p: Parties, amount: U256) -> Effect {
        Effect::Credit(self.currency_balance(p.to), amount)
    }

    fn spend_allowance(&self, p: Parties, amount: U256) -> Effect {
        Effect::Debit(self.allowance(p.from, p.caller), amount)
    }

    fn bond_move(&self, p: Parties, (id, amount): Units) -> [Effect; 2] {
        [
            Effect::Debit(self.bond_balance(p.from, id), amount),
            Effect::Credit(self.bond_balance(p.to, id), amount),
        ]
    }

    fn deed_move(&self, p: Parties, id: U256) -> Vec<Effect> {
        vec![
            Effect::Debit(self.deed_balance(p.from, id), U256::ONE),
            Effect::Credit(self.deed_balance(p.to, id), U256::ONE),
        ]
    }

    fn currency(&self, p: Parties, call: impl SolCall, effects: Vec<Effect>) -> Operation {
        operation(p, self.tokens.currency, &call, effects, CALL_GAS)
    }

    fn bond(
        &self,
        p: Parties,
        call: impl SolCall,
        effects: Vec<Effect>,
        gas_limit: Gas,
    ) -> Operation {
        operation(p, self.tokens.bond, &call, effects, gas_limit)
    }

    fn deed(&self, p: Parties, call: impl SolCall, effects: Vec<Effect>) -> Operation {
        operation(p, self.tokens.deed, &call, effects, CALL_GAS)
    }
}

/// Whether `operator` may move all that `owner` has of `token`.
pub(super) fn operator(token: Address, owner: Address, operator: Address) -> Key {
    Key::Operator {
        token,
        owner,
        operator,
    }
}

fn operation(
    p: Parties,
    token: Address,
    call: &impl SolCall,
    effects: Vec<Effect>,
    gas_limit: Gas,
) -> Operation {
    Operation {
        sender: p.sender,
        token,
        input: call.abi_encode().into(),
        gas_limit,
        effects,
    }
}
