//! One choice made: who, to whom, how much, on the present state.

use alloy_primitives::{Address, U256};

use super::Kind;
use crate::demo::traffic::ledger::{Key, Ledger};
use crate::demo::traffic::operation::{Calls, Operation, Parties, Units, operator};
use crate::demo::traffic::random::Random;
use crate::demo::traffic::senders::Senders;

/// Issues of the bond, named by their maturity.
const BONDS: [u64; 4] = [20_270_101, 20_290_101, 20_310_101, 20_350_101];
/// Properties on the register. A deed that was burned may be issued again.
pub(super) const N_DEEDS: u64 = 256;
/// Index of the issuer among the senders.
const ISSUER: usize = 0;

/// What a choice is made from.
pub(super) struct Choice<'a> {
    pub(super) calls: Calls,
    pub(super) accounts: &'a [Address],
    pub(super) random: &'a mut Random,
    pub(super) ledger: &'a Ledger,
    pub(super) senders: &'a Senders,
}

impl Choice<'_> {
    /// `None` where nobody can do it now.
    pub(super) fn make(&mut self, kind: Kind) -> Option<Operation> {
        let calls = self.calls;
        Some(match kind {
            Kind::CurrencyMint => calls.currency_mint(
                self.issue()?,
                self.random.amount_up_to(U256::from(10_000_000)),
            ),
            Kind::CurrencyTransfer => self.currency_transfer()?,
            Kind::CurrencyTransferZero => calls.currency_transfer(self.transfer()?, U256::ZERO),
            Kind::CurrencyTransferToSelf => self.currency_transfer_to_self()?,
            Kind::CurrencyOverdraw => self.currency_overdraw()?,
            Kind::CurrencyApprove => self.currency_approve()?,
            Kind::CurrencyTransferFrom => self.currency_transfer_from()?,
            Kind::CurrencyBurn => self.currency_burn()?,
            Kind::CurrencyBurnFrom => self.currency_burn_from()?,
            Kind::BondMint => calls.bond_mint(self.issue()?, self.new_bonds()?),
            Kind::BondMintBatch => self.bond_mint_batch()?,
            Kind::BondTransfer => self.bond_transfer()?,
            Kind::BondTransferBatch => self.bond_transfer_batch()?,
            Kind::BondAuthorise => self
                .authorise(calls.tokens.bond)
                .map(|p| calls.bond_authorise(p))?,
            Kind::BondOperatorTransfer => self.bond_operator_transfer()?,
            Kind::BondBurn => self.bond_burn()?,
            Kind::BondBurnBatch => self.bond_burn_batch()?,
            Kind::DeedMint => self.deed_mint()?,
            Kind::DeedTransfer => self
                .deed_transfer()
                .map(|(p, id)| calls.deed_transfer(p, id))?,
            Kind::DeedSafeTransfer => self
                .deed_transfer()
                .map(|(p, id)| calls.deed_safe_transfer(p, id))?,
            Kind::DeedAuthorise => self
                .authorise(calls.tokens.deed)
                .map(|p| calls.deed_authorise(p))?,
            Kind::DeedOperatorTransfer => self.deed_operator_transfer()?,
            Kind::DeedBurn => self.deed_burn()?,
        })
    }

    fn currency_transfer(&mut self) -> Option<Operation> {
        let parties = self.transfer()?;
        let amount = self.spendable_amount(&self.calls.currency_balance(parties.from))?;
        Some(self.calls.currency_transfer(parties, amount))
    }

    fn currency_transfer_to_self(&mut self) -> Option<Operation> {
        let parties = self.transfer()?;
        let amount = self.spendable_amount(&self.calls.currency_balance(parties.from))?;
        Some(self.calls.currency_transfer(
            Parties {
                to: parties.from,
                ..parties
            },
            amount,
        ))
    }

    /// Reverts: nobody holds so much.
    fn currency_overdraw(&mut self) -> Option<Operation> {
        let parties = self.transfer()?;
        self.spendable_amount(&self.calls.currency_balance(parties.from))?;
        let mut operation = self.calls.currency_transfer(parties, U256::MAX);
        operation.effects.clear();
        Some(operation)
    }

    /// Half of the approvals go to the issuer, which burns out of them.
    fn currency_approve(&mut self) -> Option<Operation> {
        let parties = self.transfer()?;
        let to = if self.random.one_in(2) {
            self.accounts[ISSUER]
        } else {
            parties.to
        };
        let amount = self.random.amount_up_to(U256::from(1_000_000));
        let key = self.calls.allowance(parties.caller, to);
        let is_settled = !self.senders.change_any(|changed| *changed == key);
        is_settled.then(|| {
            self.calls
                .currency_approve(Parties { to, ..parties }, amount)
        })
    }

    fn currency_transfer_from(&mut self) -> Option<Operation> {
        let sender = self.any_sender()?;
        let (from, amount) = self.allowance_of(self.accounts[sender])?;
        let parties = Parties {
            from,
            ..self.parties(sender)?
        };
        Some(self.calls.currency_transfer_from(parties, amount))
    }

    fn currency_burn(&mut self) -> Option<Operation> {
        let parties = self.parties(ISSUER)?;
        let amount = self.spendable_amount(&self.calls.currency_balance(parties.from))?;
        Some(self.calls.currency_burn(parties, amount))
    }

    fn currency_burn_from(&mut self) -> Option<Operation> {
        let (from, amount) = self.allowance_of(self.accounts[ISSUER])?;
        let parties = Parties {
            from,
            ..self.parties(ISSUER)?
        };
        Some(self.calls.currency_burn_from(parties, amount))
    }

    fn bond_mint_batch(&mut self) -> Option<Operation> {
        let parties = self.issue()?;
        let mut units: Vec<Units> = Vec::new();
        for id in self.some_bonds() {
            units.push((id, self.new_bonds()?.1));
        }
        Some(self.calls.bond_mint_batch(parties, &units))
    }

    fn bond_transfer(&mut self) -> Option<Operation> {
        let parties = self.transfer()?;
        let units = self.spendable_bonds(parties.from)?;
        Some(self.calls.bond_transfer(parties, *units.first()?))
    }

    fn bond_transfer_batch(&mut self) -> Option<Operation> {
        let parties = self.transfer()?;
        let units = self.spendable_bonds(parties.from)?;
        Some(self.calls.bond_transfer_batch(parties, &units))
    }

    /// The issuer moves a holder's bonds.
    fn bond_operator_transfer(&mut self) -> Option<Operation> {
        let from = self.authorised(self.calls.tokens.bond)?;
        let units = self.spendable_bonds(from)?;
        let parties = Parties {
            from,
            ..self.parties(ISSUER)?
        };
        Some(self.calls.bond_transfer(parties, *units.first()?))
    }

    fn bond_burn(&mut self) -> Option<Operation> {
        let from = self.authorised(self.calls.tokens.bond)?;
        let units = self.spendable_bonds(from)?;
        let parties = Parties {
            from,
            ..self.parties(ISSUER)?
        };
        Some(self.calls.bond_burn(parties, *units.first()?))
    }

    fn bond_burn_batch(&mut self) -> Option<Operation> {
        let parties = self.parties(ISSUER)?;
        let units = self.spendable_bonds(parties.from)?;
        Some(self.calls.bond_burn_batch(parties, &units))
    }

    fn deed_mint(&mut self) -> Option<Operation> {
        let parties = self.issue()?;
        let id = U256::from(1 + self.random.below(N_DEEDS));
        let is_free = self.owner(id).is_none() && !self.is_moving(id);
        is_free.then(|| self.calls.deed_mint(parties, id))
    }

    /// The owner sends a deed.
    fn deed_transfer(&mut self) -> Option<(Parties, U256)> {
        let (id, owner) = self.any_deed()?;
        let sender = self.accounts.iter().position(|account| *account == owner)?;
        Some((self.parties(sender)?, id))
    }

    /// The issuer sends a holder's deed.
    fn deed_operator_transfer(&mut self) -> Option<Operation> {
        let (id, from) = self.any_deed()?;
        self.is_operator(self.calls.tokens.deed, from)
            .then_some(())?;
        let parties = Parties {
            from,
            ..self.parties(ISSUER)?
        };
        Some(self.calls.deed_transfer(parties, id))
    }

    fn deed_burn(&mut self) -> Option<Operation> {
        let (id, from) = self.any_deed()?;
        let issuer = self.accounts[ISSUER];
        (from == issuer || self.is_operator(self.calls.tokens.deed, from)).then_some(())?;
        let parties = Parties {
            from,
            ..self.parties(ISSUER)?
        };
        Some(self.calls.deed_burn(parties, id))
    }

    /// A holder that has not yet lets the issuer move what it has of `token`.
    fn authorise(&mut self, token: Address) -> Option<Parties> {
        let parties = self.transfer()?;
        let issuer = self.accounts[ISSUER];
        (parties.caller != issuer && !self.is_operator(token, parties.caller)).then_some(Parties {
            to: issuer,
            ..parties
        })
    }

    /// From the issuer to anybody, itself included.
    fn issue(&mut self) -> Option<Parties> {
        self.parties(ISSUER)
    }

    /// From anybody to anybody.
    fn transfer(&mut self) -> Option<Parties> {
        let sender = self.any_sender()?;
        self.parties(sender)
    }

    fn parties(&mut self, sender: usize) -> Option<Parties> {
        let caller = self.accounts[sender];
        let to = self.random.choose(self.accounts)?;
        Some(Parties {
            sender,
            caller,
            from: caller,
            to,
        })
    }

    fn any_sender(&mut self) -> Option<usize> {
        let free: Vec<usize> = (0..self.accounts.len())
            .filter(|sender| self.senders.has_room(*sender))
            .collect();
        self.random.choose(&free)
    }

    /// An account that let `spender` take something and has it.
    fn allowance_of(&mut self, spender: Address) -> Option<(Address, U256)> {
        let owner = self.random.choose(self.accounts)?;
        let key = self.calls.allowance(owner, spender);
        let is_settled = !self.senders.change_any(|changed| *changed == key);
        let available = self
            .ledger
            .value(&key)
            .min(self.spendable(&self.calls.currency_balance(owner)));
        (is_settled && !available.is_zero()).then(|| (owner, self.random.amount_up_to(available)))
    }

    fn spendable(&self, key: &Key) -> U256 {
        self.ledger
            .value(key)
            .saturating_sub(self.senders.reserved(key))
    }

    /// Some of it; `None` where there is nothing.
    fn spendable_amount(&mut self, key: &Key) -> Option<U256> {
        let available = self.spendable(key);
        (!available.is_zero()).then(|| self.random.amount_up_to(available))
    }

    /// Different bonds that `account` has, and some of each; `None` where it has none of those looked at.
    fn spendable_bonds(&mut self, account: Address) -> Option<Vec<Units>> {
        let mut units = Vec::new();
        for id in self.some_bonds() {
            if let Some(amount) = self.spendable_amount(&self.calls.bond_balance(account, id)) {
                units.push((id, amount));
            }
        }
        (!units.is_empty()).then_some(units)
    }

    /// One to four different bonds.
    fn some_bonds(&mut self) -> Vec<U256> {
        let mut ids: Vec<U256> = BONDS.iter().map(|id| U256::from(*id)).collect();
        let n_dropped = self.random.below(4);
        for _ in 0..n_dropped {
            if let Some(id) = self.random.choose(&ids) {
                ids.retain(|other| *other != id);
            }
        }
        ids
    }

    /// Mostly some thousands, now and then more than 128 bits hold.
    fn new_bonds(&mut self) -> Option<Units> {
        let id = U256::from(self.random.choose(&BONDS)?);
        let amount = self.random.amount_up_to(U256::from(100_000));
        Some((
            id,
            if self.random.one_in(10) {
                amount << 128
            } else {
                amount
            },
        ))
    }

    /// A deed that nobody is moving, with its owner.
    fn any_deed(&mut self) -> Option<(U256, Address)> {
        let id = U256::from(1 + self.random.below(N_DEEDS));
        let owner = self.owner(id)?;
        (!self.is_moving(id)).then_some((id, owner))
    }

    fn is_moving(&self, deed: U256) -> bool {
        let token = self.calls.tokens.deed;
        self.senders.change_any(
            |key| matches!(key, Key::Balance(key) if key.token == token && key.id == deed),
        )
    }

    fn owner(&self, id: U256) -> Option<Address> {
        self.ledger
            .holders(self.calls.tokens.deed, id)
            .next()
            .map(|(key, _)| key.account)
    }

    /// A holder that lets the issuer move its tokens.
    fn authorised(&mut self, token: Address) -> Option<Address> {
        let owner = self.random.choose(self.accounts)?;
        self.is_operator(token, owner).then_some(owner)
    }

    fn is_operator(&self, token: Address, owner: Address) -> bool {
        !self
            .ledger
            .value(&operator(token, owner, self.accounts[ISSUER]))
            .is_zero()
    }
}
